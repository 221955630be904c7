#include "broker_postgres_fixture.hpp"

namespace lovage::broker {

std::string emptied(testing::postgres_server& server) {
  auto const on = sql::postgres_session::open(server.url(), 20s).value();
  on->script("DROP SCHEMA IF EXISTS lovage CASCADE", 20s).value();
  return server.url();
}

settings PostgresBroker::here(value::map options) const {
  auto out = at(url_);
  out.connection.options = std::move(options);
  return out;
}

void PostgresBroker::open(value::map options) {
  on_ = make_postgres_transport(here(std::move(options)), 10s).value();
  producer_ = on_->make_producer(10s).value();
  inspector_ = on_->make_inspector(10s).value();
}

std::vector<sql::row> PostgresBroker::ask(std::string_view statement) const {
  return sql_->run(statement, {}, 20s).value().rows;
}

std::int64_t PostgresBroker::number(std::string_view statement) const {
  return std::get<std::int64_t>(ask(statement).at(0).at(0));
}

void PostgresBroker::cut_connections() const {
  (void)ask(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL");
}

std::vector<std::string> PostgresBroker::peer(std::vector<std::string> words) const {
  words.insert(words.begin() + 1, {url_, "q"});
  words.insert(words.begin(), LOVAGE_STORE_PEER);
  words.push_back("lovage_lease=" + std::to_string(lease));
  return words;
}

}  // namespace lovage::broker
