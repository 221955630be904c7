#include "redis/client.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

namespace lovage::redis {
namespace {

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (auto const b : digest) out += digits[b >> 4], out += digits[b & 15];
  return out;
}

std::function<double()> make_uniform() {
  auto const engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<>{0, 1}(*engine); };
}

// A master that was made a replica keeps its connections: whoever stays on one is refused for ever.
reply const* refusal_of_a_replica(std::vector<reply> const& answers) {
  auto const at = std::find_if(answers.begin(), answers.end(), [](reply const& r) {
    auto const said = r.is_error() ? complaint(r) : std::string_view{};
    return said.starts_with("READONLY") || said.starts_with("MASTERDOWN");
  });
  return at == answers.end() ? nullptr : &*at;
}

commands call_of(script const& what, bool whole, std::vector<std::string_view> const& keys,
                 std::vector<std::string_view> const& arguments) {
  commands c;
  c.begin(3 + keys.size() + arguments.size());
  c.word(whole ? "EVAL" : "EVALSHA");
  c.word(whole ? what.text() : what.hash());
  c.word(std::to_string(keys.size()));
  for (auto const k : keys) c.word(k);
  for (auto const a : arguments) c.word(a);
  return c;
}

}  // namespace

script::script(std::string text) : text_{std::move(text)}, hash_{sha1_hex(text_)} {}

client::client(connection_settings with, endpoints all)
    : settings_{std::move(with)}, endpoints_{std::move(all)}, link_{make_link()} {}

io::link client::make_link() const {
  io::link::policy how;
  how.addresses = endpoints_.servers.size();
  how.shuffle = settings_.strategy == failover::shuffle;
  return {how, io::link::clock::now(), make_uniform()};
}

expected<std::unique_ptr<client>> client::make(connection_settings const& with) {
  auto all = read_endpoints(with);
  if (!all) return fail(all.error());
  return std::unique_ptr<client>{new client{with, *std::move(all)}};
}

std::unique_ptr<client> client::clone() const { return std::unique_ptr<client>{new client{settings_, endpoints_}}; }

int client::database() const noexcept {
  return endpoints_.master_name.empty() ? endpoints_.servers.front().database : endpoints_.master.database;
}

expected<std::unique_ptr<connection>> client::attempt(io::link const& life, deadline until) const {
  return open(endpoints_, life.address(), until.sooner(deadline::in(settings_.connect_timeout)));
}

expected<std::unique_ptr<connection>> client::connect_with(io::link& life, error_info& why, deadline until) const {
  while (!until.passed()) {
    if (!life.due(io::link::clock::now())) {
      auto const wake = until.is_never() ? life.due_at() : std::min(life.due_at(), until.when());
      std::this_thread::sleep_until(wake);
      continue;
    }
    auto made = attempt(life, until);
    if (made) {
      life.connected();
      return made;
    }
    life.lost(io::link::clock::now());
    bool const cut_short = made.error().code == errc::timeout && until.passed();
    if (!cut_short || why.code == errc::timeout) why = made.error();  // that one tells less than the one before
    if (why.code == errc::bad_config) return made;                    // no waiting mends that
  }
  return fail(why);
}

expected<std::unique_ptr<connection>> client::connect(deadline until) {
  auto life = make_link();
  error_info why{errc::timeout, "no time to connect to Redis", {}};
  return connect_with(life, why, until);
}

void client::drop(error_info why) {
  why_ = std::move(why);
  connection_.reset();
  link_.lost(io::link::clock::now());
}

expected<std::vector<reply>> client::run(commands const& what, repeat again, deadline until) {
  if (what.empty()) return std::vector<reply>{};
  auto const owned = mutex_.acquire(until);
  if (!owned) return fail(errc::timeout, "Redis is busy with what was asked before", endpoints_.servers.front().text());
  for (;;) {
    if (!connection_) {
      auto made = connect_with(link_, why_, until);
      if (!made) return fail(made.error());
      connection_ = *std::move(made);
    }
    if (connection_->hung_up()) {  // while nobody asked it anything: nothing is in doubt
      drop({errc::unavailable, "Redis closed the connection", connection_->where().text()});
      continue;
    }
    auto answers = connection_->run(what, until, settings_.heartbeat);
    auto const* refusal = answers ? refusal_of_a_replica(*answers) : nullptr;
    if (answers && refusal == nullptr) return link_.ready(), answers;
    drop(refusal ? to_error(*refusal, connection_->where().text()) : answers.error());
    if (again == repeat::yes && !until.passed()) continue;
    if (answers) return answers;
    auto why = answers.error();
    if (again == repeat::no) why.detail += "; it is not known whether this was done";
    return fail(std::move(why));
  }
}

expected<reply> client::eval(script const& what, std::vector<std::string_view> const& keys,
                             std::vector<std::string_view> const& arguments, repeat again, deadline until) {
  for (bool const whole : {false, true}) {
    auto answers = run(call_of(what, whole, keys, arguments), again, until);
    if (!answers) return fail(answers.error());
    auto& r = answers->front();
    if (!whole && r.is_error() && r.text.starts_with("NOSCRIPT")) continue;
    if (r.is_error()) return fail(to_error(r));
    return std::move(r);
  }
  return fail(errc::internal, "Redis forgets scripts while they are sent");
}

}  // namespace lovage::redis
