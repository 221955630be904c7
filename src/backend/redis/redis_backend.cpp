#include "backend/redis/redis_backend.hpp"

#include "backend/redis/listener.hpp"
#include "backend/redis/redis_chords.hpp"

namespace lovage::backend {
namespace redis {
namespace {

using lovage::redis::client;
using lovage::redis::repeat;
using lovage::redis::script;
using wire::result_record;

// One script is one step of the server, during which nobody else is served.
constexpr std::size_t records_at_once = 1'000;

// KEYS: where; ARGV: seconds until they expire (0: never), then the records. What is there already is read only as far
// as it takes to know whether it is a SUCCESS: Python and we write the status first, others (and YAML, sorted) may not.
constexpr char const* store_text = R"(
local function says_success(ok, map)
  return ok and type(map) == 'table' and map.status == 'SUCCESS'
end
local function final(text)
  local first = string.byte(text)
  if first == 123 then
    if string.sub(text, 1, 12) == '{"status": "' then return string.sub(text, 13, 20) == 'SUCCESS"' end
    return says_success(pcall(cjson.decode, text))
  end
  if first and (first > 128 and first < 144 or first == 222 or first == 223) then
    return says_success(pcall(cmsgpack.unpack, text))
  end
  return string.find('\n' .. text .. '\n', '\nstatus: [\'"]?SUCCESS[\'"]?\n') ~= nil
end
local seconds = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local before = redis.call('GET', key)
  if not (before and final(before)) then
    local record = ARGV[i + 1]
    if seconds > 0 then
      redis.call('SETEX', key, seconds, record)
    else
      redis.call('SET', key, record)
    end
    redis.call('PUBLISH', key, record)
  end
end
return 1
)";

// KEYS: one for each id; ARGV: seconds they are known (0: for ever), then the texts.
constexpr char const* claim_runs_text = R"(
local seconds = tonumber(ARGV[1])
local out = {}
for i, key in ipairs(KEYS) do
  local text = ARGV[i + 1]
  local has = redis.call('GET', key)
  if not has then
    if seconds > 0 then redis.call('SETEX', key, seconds, text) else redis.call('SET', key, text) end
  end
  out[i] = (not has or has == text) and 1 or 0
end
return out
)";

class redis_watch final : public watch {
 public:
  explicit redis_watch(std::shared_ptr<listener> on) : on_{std::move(on)} {}
  ~redis_watch() override { on_->leave(in_); }
  void add(std::span<task_id const> ids) override { on_->add(in_, ids); }
  void remove(task_id const& id) override { on_->remove(in_, id); }
  expected<std::vector<result_record>> next(deadline until) override { return on_->next(in_, until); }
  void interrupt() override { on_->interrupt(in_); }

 private:
  std::shared_ptr<listener> const on_;
  news in_;
};

std::vector<std::string> texts(std::span<task_id const> ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (auto const& id : ids) out.push_back(id.str());
  return out;
}

class redis_backend final : public result_backend {
 public:
  redis_backend(std::shared_ptr<client> on, record_codec codec, key_names names)
      : client_{std::move(on)},
        codec_{std::move(codec)},
        names_{std::move(names)},
        listener_{std::make_shared<listener>(client_, codec_, names_)},
        chords_{client_, codec_, names_} {}

  [[nodiscard]] traits abilities() const override { return {.clock_of_server = true}; }
  expected<void> store(std::span<result_record const> records, std::chrono::seconds expires, deadline until) override;
  expected<std::vector<result_record>> fetch(std::span<task_id const> ids, deadline until) override;
  expected<void> forget(std::span<task_id const> ids, deadline until) override;
  expected<std::unique_ptr<watch>> make_watch() override {
    return std::unique_ptr<watch>{std::make_unique<redis_watch>(listener_)};
  }
  expected<std::uint64_t> cleanup(deadline) override { return std::uint64_t{0}; }  // the server does it

  expected<void> start_chords(std::span<chord_start const> chords, std::chrono::seconds expires,
                              deadline until) override {
    return chords_.start(chords, expires, until);
  }
  expected<std::vector<chord_end>> count_parts(std::span<chord_part const> parts, std::span<value const> bodies,
                                               std::chrono::seconds expires, deadline until) override {
    return chords_.count(parts, bodies, expires, until);
  }
  expected<void> end_chords(std::span<std::string const> groups, deadline until) override {
    return chords_.end(groups, until);
  }
  expected<std::vector<chord_end>> claim_chords(std::size_t limit, deadline until) override {
    return chords_.claim(limit, until);
  }
  expected<void> grow_chord(std::string const& group, std::span<task_id const> added, deadline until) override {
    return chords_.grow(group, added, until);
  }
  expected<value> chord_body(std::string const& group, deadline until) override { return chords_.body(group, until); }
  expected<void> store_group(wire::result_tuple const& group, std::chrono::seconds expires, deadline until) override {
    return chords_.store(group, expires, until);
  }
  expected<std::optional<wire::result_tuple>> fetch_group(std::string const& id, deadline until) override {
    return chords_.fetch(id, until);
  }
  expected<void> forget_group(std::string const& id, deadline until) override { return chords_.forget(id, until); }
  expected<std::vector<bool>> claim_runs(std::span<run_claim const> claims, std::chrono::seconds keep,
                                         deadline until) override;

 private:
  std::shared_ptr<client> const client_;
  record_codec const codec_;
  key_names const names_;
  std::shared_ptr<listener> const listener_;
  redis_chords chords_;
  script const store_{store_text}, claim_runs_{claim_runs_text};
};

expected<void> redis_backend::store(std::span<result_record const> records, std::chrono::seconds expires,
                                    deadline until) {
  std::vector<std::string> keys, arguments;
  for (auto const& r : records) {
    auto bytes = codec_.write(r);
    if (!bytes) return fail(bytes.error());
    keys.push_back(names_.result(r.id.str()));
    arguments.push_back(*std::move(bytes));
  }
  auto const seconds = std::to_string(std::max<std::int64_t>(expires.count(), 0));
  for (std::size_t i = 0; i < keys.size(); i += records_at_once) {
    auto const n = std::min(records_at_once, keys.size() - i);
    std::vector<std::string_view> const at(keys.begin() + static_cast<std::ptrdiff_t>(i),
                                           keys.begin() + static_cast<std::ptrdiff_t>(i + n));
    std::vector<std::string_view> given{seconds};
    given.insert(given.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i),
                 arguments.begin() + static_cast<std::ptrdiff_t>(i + n));
    // Storing the same twice is storing it once: whatever broke, it is done again.
    if (auto done = client_->eval(store_, at, given, repeat::yes, until); !done) return fail(done.error());
  }
  return {};
}

expected<std::vector<bool>> redis_backend::claim_runs(std::span<run_claim const> claims, std::chrono::seconds keep,
                                                      deadline until) {
  std::vector<bool> out;
  auto const seconds = std::to_string(std::max<std::int64_t>(keep.count(), 0));
  for (std::size_t first = 0; first < claims.size(); first += records_at_once) {
    auto const some = claims.subspan(first, std::min(records_at_once, claims.size() - first));
    std::vector<std::string> keys;
    std::vector<std::string_view> words{seconds};
    for (auto const& c : some) {
      keys.push_back(names_.run(c.id.str()));
      words.push_back(c.text);
    }
    // Whoever asks twice with one text has the same answer: whatever broke, it is done again.
    auto const said = client_->eval(claim_runs_, {keys.begin(), keys.end()}, words, repeat::yes, until);
    if (!said) return fail(said.error());
    if (said->items.size() != some.size()) return fail(errc::unavailable, "Redis answered a claim with too few values");
    for (auto const& item : said->items) out.push_back(item.integer == 1);
  }
  return out;
}

expected<std::vector<result_record>> redis_backend::fetch(std::span<task_id const> ids, deadline until) {
  auto stored = read_stored(*client_, names_, texts(ids), repeat::yes, until);
  if (!stored) return fail(stored.error());
  std::vector<result_record> out(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    out[i].id = ids[i];
    auto const& bytes = (*stored)[i].record;
    if (!bytes) continue;
    auto record = codec_.read(*bytes, ids[i].str());
    if (!record) return fail(record.error());
    out[i] = *std::move(record);
  }
  return out;
}

expected<void> redis_backend::forget(std::span<task_id const> ids, deadline until) {
  if (ids.empty()) return {};
  lovage::redis::commands c;
  c.begin(1 + ids.size());
  c.word("DEL");
  for (auto const& id : ids) c.word(names_.result(id.str()));
  auto const said = client_->run(c, repeat::yes, until);
  if (!said) return fail(said.error());
  return said->front().is_error() ? fail(lovage::redis::to_error(said->front())) : expected<void>{};
}

}  // namespace
}  // namespace redis

expected<std::shared_ptr<result_backend>> make_redis_backend(settings with, deadline) {
  auto on = lovage::redis::client::make(with.connection);
  if (!on) return fail(on.error());
  auto codec = record_codec::make(with);
  if (!codec) return fail(codec.error());
  auto names = redis::key_names::read(with.connection.options);
  if (!names) return fail(names.error());
  return std::shared_ptr<result_backend>{
      std::make_shared<redis::redis_backend>(*std::move(on), *std::move(codec), *std::move(names))};
}

}  // namespace lovage::backend
