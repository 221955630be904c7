#include "backend/redis/redis_backend.hpp"
#include "backend_conformance.hpp"
#include "redis/client.hpp"
#include "redis_server.hpp"

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using testing::redis_server;

// The server cannot be told to wait: every key comes so much nearer to its end instead.
constexpr char const* pass_time_text = R"(
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - tonumber(ARGV[1])) end
  if string.find(key, 'lovage.chords', 1, true) then
    for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -tonumber(ARGV[1]), id) end
  end
end
return 1
)";

struct served {
  redis_server server;
  std::shared_ptr<result_backend> on;
};

opened_backend open(std::string const& options) {
  auto const made = std::make_shared<served>();
  auto with = at(made->server.url() + options);
  if (options == "prefix") {
    with.connection.urls = made->server.url(3);
    with.connection.options = {{"global_keyprefix", "site"}};
    with.serializer = "msgpack";
  } else if (options == "yaml") {
    with.connection.urls = "redis+socket://" + made->server.socket_path();
    with.serializer = "yaml";
  }
  made->on = make_redis_backend(with, 5s).value();
  opened_backend out{{made, made->on.get()}};
  out.pass_time = [made, with, by_name = std::shared_ptr{redis::client::make(with.connection).value()}](
                      std::chrono::milliseconds by) {
    auto const text = std::to_string(by.count());
    (void)by_name->eval(redis::script{pass_time_text}, {}, {text}, redis::repeat::no, 5s).value();
  };
  return out;
}

auto const redis_drivers =
    ::testing::Values(conformance_driver{"json", [](now_fn) { return open(""); }},
                      conformance_driver{"prefixed msgpack", [](now_fn) { return open("prefix"); }},
                      conformance_driver{"yaml over a Unix socket", [](now_fn) { return open("yaml"); }});
INSTANTIATE_TEST_SUITE_P(Redis, BackendConformance, redis_drivers);
INSTANTIATE_TEST_SUITE_P(Redis, BackendChords, redis_drivers);
INSTANTIATE_TEST_SUITE_P(Redis, BackendRuns, redis_drivers);

}  // namespace
}  // namespace lovage::backend
