// The suite that every broker passes, for PostgreSQL, and what PostgreSQL promises beyond it.
#include "broker_conformance.hpp"
#include "broker_postgres_fixture.hpp"

#include <gmock/gmock.h>

#include <csignal>

namespace lovage::broker {
namespace {

using testing::child;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

INSTANTIATE_TEST_SUITE_P(Postgres, BrokerConformance,
                         ::testing::Values(conformance_driver{
                             "postgres", [](settings with) {
                               with.connection.urls = emptied(testing::shared_postgres());
                               return make_postgres_transport(std::move(with), 20s).value();
                             }}));

TEST_F(PostgresBroker, a_killed_workers_tasks_come_back_and_only_the_begun_ones_count) {
  send(messages(4));
  child worker{peer({"hold", "3", "2"})};
  ASSERT_EQ(worker.line(), "held 3");
  auto const heir = consume();
  auto const theirs = take(*heir, 1);
  EXPECT_THAT(bodies(theirs), ElementsAre("3"));
  ASSERT_TRUE(eventually([&] { return number("SELECT max(cardinality(begun)) FROM lovage.session") == 2; }));
  auto const from = steady::now();
  worker.signal(SIGKILL);
  worker.wait();
  auto const got = take(*heir, 3);
  EXPECT_LT(since(from), 10s);
  RecordProperty("back_after_ms", static_cast<int>(since(from).count()));
  ASSERT_THAT(bodies(got), ElementsAre("0", "1", "2"));
  EXPECT_EQ(got[0].attempts, 1U);
  EXPECT_EQ(got[1].attempts, 1U);
  EXPECT_EQ(got[2].attempts, 0U);
  EXPECT_TRUE(got[0].redelivered);
  EXPECT_EQ(number("SELECT count(*) FROM lovage.session"), 1);
}

TEST_F(PostgresBroker, a_dead_workers_tasks_are_counted_as_ready_though_no_worker_runs) {
  send(messages(1));
  {
    child worker{peer({"hold", "1", "1"})};
    ASSERT_EQ(worker.line(), "held 1");
    EXPECT_EQ(inspector_->queues().value().at(0).claimed, 1U);
  }
  EXPECT_TRUE(eventually([&] { return inspector_->queues().value().at(0).ready == 1; }));
}

TEST_F(PostgresBroker, a_stopped_worker_loses_its_tasks_when_its_lease_has_run_out) {
  send(messages(1));
  child worker{peer({"hold", "1", "1"})};
  ASSERT_EQ(worker.line(), "held 1");
  auto const heir = consume();
  EXPECT_THAT(heir->claim(1, 2500ms).value(), IsEmpty()) << "a living worker keeps what it holds";
  worker.freeze();
  EXPECT_THAT(take(*heir, 1), SizeIs(1));
  worker.signal(SIGCONT);
  worker.tell("done");
  EXPECT_EQ(worker.line(), "settled") << "too late, and passed over";
  EXPECT_EQ(inspector_->queues().value().at(0).claimed, 1U);
}

TEST_F(PostgresBroker, a_worker_whose_connection_was_cut_keeps_its_tasks_and_goes_on) {
  send(messages(3));
  auto const from = consume();
  auto const other = consume();
  auto const got = take(*from, 2);
  cut_connections();
  EXPECT_THAT(bodies(*other, 1), ElementsAre("2"));
  EXPECT_THAT(other->claim(1, 1500ms).value(), IsEmpty());
  settle(*from, got);
  EXPECT_EQ(number("SELECT count(*) FROM lovage.message"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM lovage.session"), 2);
  send({message("more")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("more"));
}

// What a server forgets that was killed just after it had acknowledged without waiting for its disk.
TEST_F(PostgresBroker, what_was_settled_and_came_back_with_a_restart_is_delivered_again) {
  send(messages(3));
  auto const from = consume();
  auto const got = take(*from, 2);
  (void)ask("CREATE TABLE lovage.before AS SELECT * FROM lovage.message");
  settle(*from, {got[0]});
  (void)ask("INSERT INTO lovage.message SELECT * FROM lovage.before ON CONFLICT DO NOTHING");
  cut_connections();
  auto const again = take(*from, 2);
  ASSERT_THAT(bodies(again), ElementsAre("0", "2")) << "1 is still held";
  EXPECT_TRUE(again[0].redelivered);
  settle(*from, got);
  settle(*from, again);
  EXPECT_EQ(number("SELECT count(*) FROM lovage.message"), 0);
}

TEST_F(PostgresBroker, a_claim_that_waits_survives_the_loss_of_its_connection) {
  auto const from = consume();
  std::thread waiting{[&] { EXPECT_THAT(bodies(*from, 1), ElementsAre("0")); }};
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM pg_locks WHERE classid = 2776603") == 1; }));
  cut_connections();
  send(messages(1));
  waiting.join();
}

// The server sends what it has to notify together with the answer to the keeper, which was held up.
TEST_F(PostgresBroker, what_the_keeper_hears_wakes_the_one_who_waits) {
  auto const from = consume();
  auto const is_asleep = [&] { return number("SELECT count(*) FROM pg_locks WHERE classid = 2776603") == 1; };
  auto const keeper_waits = [&] {
    return number("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 1;
  };
  int late = 0;
  for (int i = 0; i < 20; ++i) {
    send({message("running")});
    auto const running = take(*from, 1);
    std::thread waiting{[&] { settle(*from, take(*from, 1)); }};
    ASSERT_TRUE(eventually(is_asleep));
    (void)ask("BEGIN");
    (void)ask("SELECT id FROM lovage.session FOR UPDATE");
    from->started(running.at(0).tag);
    ASSERT_TRUE(eventually(keeper_waits));
    send({message("more")});
    auto const begun = steady::now();
    (void)ask("COMMIT");
    waiting.join();
    if (since(begun) > 1s) ++late;
    settle(*from, running);
  }
  EXPECT_EQ(late, 0) << "it looks by itself every two seconds only";
}

TEST_F(PostgresBroker, publishers_say_nothing_to_workers_that_are_awake) {
  auto const from = consume();
  auto const sleeps = [&] { return number("SELECT count(*) FROM pg_locks WHERE classid = 2776603") == 1; };
  EXPECT_THAT(from->claim(1, 1ms).value(), IsEmpty());
  EXPECT_TRUE(sleeps());
  send(messages(8));
  for (int i = 0; i < 5; ++i) settle(*from, take(*from, 1));
  EXPECT_FALSE(sleeps());
  EXPECT_THAT(bodies(*from, 3), ElementsAre("5", "6", "7"));
  EXPECT_THAT(from->claim(1, 1ms).value(), IsEmpty());
  EXPECT_TRUE(sleeps());
}

TEST_F(PostgresBroker, a_message_from_another_process_wakes_a_sleeper) {
  auto const from = consume();
  child sender{peer({"send", "1"})};
  auto const began = steady::now();
  EXPECT_THAT(take(*from, 1), SizeIs(1));
  EXPECT_LT(since(began), 10s);
}

TEST_F(PostgresBroker, many_processes_make_and_use_one_store_at_once) {
  on_.reset(), producer_.reset(), inspector_.reset();
  std::vector<std::unique_ptr<child>> senders, receivers;
  for (int i = 0; i < 4; ++i) senders.push_back(std::make_unique<child>(peer({"send", "100"})));
  for (int i = 0; i < 2; ++i) receivers.push_back(std::make_unique<child>(peer({"drain"})));
  for (auto& s : senders) EXPECT_EQ(s->wait(), 0);
  int total = 0;
  for (auto& r : receivers) total += std::stoi("0" + r->line());
  open({});
  auto const rest = consume();
  while (auto const n = rest->claim(1000, 1ms).value().size()) total += static_cast<int>(n);
  EXPECT_EQ(total, 400);
}

TEST_F(PostgresBroker, messages_nobody_can_parse_die_with_a_reason_and_hold_up_nothing) {
  send(messages(3));
  (void)ask("UPDATE lovage.message SET head = '\\xc1' WHERE body <> '2'");
  auto const from = consume();
  EXPECT_THAT(bodies(*from, 1), ElementsAre("2"));
  auto const dead = inspector_->dead({}, 9).value();
  ASSERT_THAT(dead, SizeIs(2));
  EXPECT_THAT(dead[0].reason, HasSubstr("damaged"));
  EXPECT_EQ(dead[0].envelope.body, "0");
}

TEST_F(PostgresBroker, a_reason_that_is_no_text_is_kept_as_well_as_can_be) {
  send(messages(1));
  auto const from = consume();
  std::vector<settlement> const bad{{take(*from, 1)[0].tag, disposition::bury, std::string{"a\0\xff\xc3\xa4", 5}}};
  ASSERT_TRUE(from->settle(bad, 10s));
  EXPECT_EQ(inspector_->dead({}, 9).value().at(0).reason, "a?\?\xc3\xa4");
}

TEST_F(PostgresBroker, a_task_enqueued_by_sql_exists_if_its_transaction_commits) {
  auto const from = consume({"celery"});
  std::string id;
  (void)sql::in_transaction(*sql_, 10s, [&]() -> expected<void> {
    (void)ask("SELECT lovage.enqueue('shop.add', '[1, 2]')");
    EXPECT_THAT(from->claim(1, 50ms).value(), IsEmpty()) << "not before the commit";
    return fail(errc::internal, "the order was refused");
  });
  EXPECT_THAT(from->claim(1, 50ms).value(), IsEmpty()) << "nor after a rollback";
  std::thread waiting{[&] {
    auto const got = take(*from, 1);
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].envelope.body,
              R"([[1, 2], {"z": null}, {"chain": null, "chord": null, "errbacks": null, "callbacks": null}])");
    EXPECT_EQ(got[0].priority, 3);
    id = got[0].envelope.properties.correlation_id;
  }};
  auto const rows = ask("SELECT lovage.enqueue('shop.add', '[1, 2]', '{\"z\": null}', priority => 3)");
  waiting.join();
  EXPECT_EQ(std::get<std::string>(rows.at(0).at(0)), id);
}

TEST_F(PostgresBroker, what_is_enqueued_wrongly_by_sql_is_refused_with_the_fix) {
  auto const from = consume();
  auto const refused = [&](std::string const& call) { return sql_->run("SELECT " + call, {}, 10s).error().text(); };
  EXPECT_THAT(refused("lovage.enqueue('t', '{}')"), HasSubstr("JSON array"));
  EXPECT_THAT(refused("lovage.enqueue('t', '[]', '[]')"), HasSubstr("JSON objects"));
  EXPECT_THAT(refused("lovage.enqueue('')"), HasSubstr("name the task"));
}

TEST_F(PostgresBroker, refuses_a_schema_of_a_newer_lovage) {
  (void)consume();
  (void)ask("UPDATE lovage.version SET number = 99");
  auto const newer = make_postgres_transport(here(), 10s).value();
  EXPECT_THAT(newer->make_consumer({{queue_name{"q"}}, "test"}, 10s).error().text(), HasSubstr("newer lovage"));
}

TEST_F(PostgresBroker, says_what_is_wrong_with_an_address) {
  auto const text = [](std::string const& url) {
    auto const made = make_postgres_transport(at(url), 5s);
    if (!made) return made.error().text();
    auto const used = (*made)->make_consumer({{queue_name{"q"}}, "test"}, 5s);
    return used ? std::string{} : used.error().text();
  };
  EXPECT_THAT(text(server_.url("nowhere")), HasSubstr("createdb"));
  EXPECT_THAT(text("mysql://h/d"), HasSubstr("postgresql://"));
  EXPECT_EQ(text("postgresql://postgres@127.0.0.1:1/d;" + url_), "") << "the second address is tried too";
}

}  // namespace
}  // namespace lovage::broker
