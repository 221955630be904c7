#include "beat/memory/memory_store.hpp"
#include "beat/redis/redis_store.hpp"
#include "beat/sqlite/sqlite_store.hpp"
#include "redis/client.hpp"
#include "redis_server.hpp"
#include "schedule_store_conformance.hpp"
#include "store_place.hpp"

namespace lovage::beats {
namespace {

using namespace std::chrono_literals;
using testing::redis_server;
using testing::store_place;

store_settings at(std::string url, now_fn now) {
  store_settings out;
  out.connection.urls = std::move(url);
  out.now = std::move(now);
  return out;
}

opened_stores open_memory(now_fn now) {
  auto const url = "memory://" + random_uuid().str();
  return {make_memory_store(at(url, now), 5s).value(), make_memory_store(at(url, now), 5s).value()};
}

// The second one as another process would: with a URL of its own, and so with a connection and a store of its own.
opened_stores open_sqlite(now_fn now) {
  auto const place = std::make_shared<store_place>();
  auto const one = make_sqlite_store(at(place->url(), now), 5s).value();
  auto const other = make_sqlite_store(at(place->url("?busy_timeout=20"), now), 5s).value();
  auto const with_place = [&](auto const& on) {
    auto const both =
        std::make_shared<std::pair<std::shared_ptr<store_place>, std::shared_ptr<schedule_store>>>(place, on);
    return std::shared_ptr<schedule_store>{both, on.get()};
  };
  return {with_place(one), with_place(other)};
}

// The server cannot be told to wait: what it compares with its clock comes so much nearer instead.
constexpr char const* pass_time_text = R"(
local p, by = ARGV[1], tonumber(ARGV[2])
local until_ = redis.call('HGET', p .. 'lead', 'until')
if until_ then redis.call('HSET', p .. 'lead', 'until', string.format('%.0f', tonumber(until_) - by)) end
for _, claim in ipairs(redis.call('ZRANGE', p .. 'unsent', 0, -1)) do
  redis.call('ZINCRBY', p .. 'unsent', -by, claim)
end
return 1
)";

opened_stores open_redis(now_fn now) {
  auto const server = std::make_shared<redis_server>();
  auto with = at(server->url(), std::move(now));
  with.connection.options = {{"global_keyprefix", "site:"}};
  auto const own = [&] {
    auto const made = make_redis_store(with, 5s).value();
    auto const both =
        std::make_shared<std::pair<std::shared_ptr<redis_server>, std::shared_ptr<schedule_store>>>(server, made);
    return std::shared_ptr<schedule_store>{both, made.get()};
  };
  opened_stores out{own(), own()};
  out.pass_time = [server, by_name = std::shared_ptr{lovage::redis::client::make(with.connection).value()}](
                      std::chrono::milliseconds by) {
    auto const text = std::to_string(by.count());
    (void)by_name
        ->eval(lovage::redis::script{pass_time_text}, {}, {"site:lovage.beat.", text}, lovage::redis::repeat::no, 5s)
        .value();
  };
  return out;
}

INSTANTIATE_TEST_SUITE_P(Drivers, ScheduleStore,
                         ::testing::Values(store_driver{"memory", open_memory}, store_driver{"sqlite", open_sqlite},
                                           store_driver{"redis", open_redis}),
                         [](auto const& info) { return std::string{info.param.name}; });

}  // namespace
}  // namespace lovage::beats
