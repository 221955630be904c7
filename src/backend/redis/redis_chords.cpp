#include "backend/redis/redis_chords.hpp"

#include <unordered_map>

namespace lovage::backend::redis {
namespace {

using lovage::redis::commands;
using lovage::redis::repeat;
using lovage::redis::reply;

// One script is one step of the server, during which nobody else is served.
constexpr std::size_t parts_at_once = 500;

// KEYS: the claims, then a group for each part. ARGV: expiry in seconds (0: never), the claim's length in ms, how long
// parts are kept of which no chord is known, in seconds; then for each part: group id, score, task id, member, body (''
// when nothing says it). A member of the same id in the same place is the same part: it was run twice, and counts once.
// Older releases of Celery count without a note in `.d`; only where the two sets differ in size are such parts looked
// for. Celery from 5.7 on keeps those that were counted in `.d`, its claim in `.c` too, and there "done" when the body
// is sent. Parts come by the hundred and most of them are of one chord: what is asked or said of a chord is said once.
constexpr char const* count_text = R"(
local seconds, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local chords, order = {}, {}
for i = 2, #KEYS do
  local at = 4 + (i - 2) * 5
  local key, score, task, member, body = KEYS[i], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local chord = chords[key]
  if not chord then
    chord = {id = ARGV[at], body = '', over = redis.call('GET', key .. '.c') == 'done'}
    chord.all_seen = not chord.over and redis.call('ZCARD', key .. '.j') == redis.call('SCARD', key .. '.d')
    chords[key], order[#order + 1] = chord, key
  end
  chord.last = i - 1
  if body ~= '' then chord.body = body end
  local known = chord.over or redis.call('SADD', key .. '.d', task .. ':' .. score) == 0
  if not known and not chord.all_seen then
    for _, m in ipairs(redis.call('ZRANGEBYSCORE', key .. '.j', score, score)) do
      if string.find(string.sub(m, 1, 300), task, 1, true) then known = true end
    end
  end
  if not known then redis.call('ZADD', key .. '.j', score, member) end
end
local function keep(key, wanted)
  local parts, more, seen, added = key .. '.j', key .. '.t', key .. '.d', key .. '.g'
  if seconds > 0 then
    for _, k in ipairs({parts, key .. '.s', more, seen, added}) do redis.call('EXPIRE', k, seconds) end
  elseif wanted then
    for _, k in ipairs({parts, more, seen, added}) do redis.call('PERSIST', k) end
  else
    redis.call('EXPIRE', parts, ARGV[3])
    redis.call('EXPIRE', seen, ARGV[3])
  end
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
table.sort(order, function(a, b) return chords[a].last < chords[b].last end)
local out = {}
for _, key in ipairs(order) do
  local chord = chords[key]
  local wanted = not chord.over and tonumber(redis.call('GET', key .. '.s') or '')
  if not chord.over then keep(key, wanted) end
  if wanted and redis.call('ZCARD', key .. '.j') >= wanted + tonumber(redis.call('GET', key .. '.t') or '0')
     and redis.call('SET', key .. '.c', '1', 'PX', lease, 'NX') then
    if chord.body ~= '' and redis.call('SETNX', key .. '.b', chord.body) == 1 and seconds > 0 then
      redis.call('EXPIRE', key .. '.b', seconds)
    end
    redis.call('ZADD', KEYS[1], now + lease, chord.id)
    out[#out + 1] = {chord.last, redis.call('ZRANGE', key .. '.j', 0, -1), redis.call('GET', key .. '.b')}
  end
end
return out
)";

// KEYS: the claims. ARGV: the prefix of groups, the claim's length in ms, how many at most.
constexpr char const* claim_text = R"(
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local out = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local key = ARGV[1] .. id
  if redis.call('EXISTS', key .. '.s', key .. '.j') < 2 then
    redis.call('ZREM', KEYS[1], id)
  elseif redis.call('SET', key .. '.c', '1', 'PX', ARGV[2], 'NX') then
    redis.call('ZADD', KEYS[1], now + ARGV[2], id)
    out[#out + 1] = {id, redis.call('ZRANGE', key .. '.j', 0, -1), redis.call('GET', key .. '.b')}
  end
end
return out
)";

// KEYS: the group. ARGV: how long what is added is kept while no size says better, in seconds; then ids. Python's
// workers add what `.t` holds to the size.
constexpr char const* grow_text = R"(
local key = KEYS[1]
if redis.call('GET', key .. '.c') == 'done' then return 0 end
local by = 0
for i = 2, #ARGV do by = by + redis.call('SADD', key .. '.g', ARGV[i]) end
if by > 0 then redis.call('INCRBY', key .. '.t', by) end
local left = redis.call('PTTL', key .. '.s')
for _, k in ipairs({key .. '.g', key .. '.t'}) do
  if left > 0 then
    redis.call('PEXPIRE', k, left)
  elseif left == -2 then
    redis.call('EXPIRE', k, ARGV[1])
  end
end
return by
)";

std::string lease_text() { return std::to_string(std::chrono::milliseconds{chord_claim}.count()); }

expected<void> check_all(expected<std::vector<reply>> const& answers) {
  if (!answers) return fail(answers.error());
  for (auto const& a : *answers)
    if (a.is_error()) return fail(lovage::redis::to_error(a));
  return {};
}

}  // namespace

redis_chords::redis_chords(std::shared_ptr<lovage::redis::client> on, record_codec codec, key_names names)
    : client_{std::move(on)},
      codec_{std::move(codec)},
      names_{std::move(names)},
      count_{count_text},
      claim_{claim_text},
      grow_{grow_text} {}

expected<void> redis_chords::start(std::span<chord_start const> chords, std::chrono::seconds expires, deadline until) {
  commands c;
  auto const seconds = std::to_string(expires.count());
  auto const set = [&](std::string const& key, std::string_view text) {
    if (expires.count() > 0) {
      c.add({"SETEX", key, seconds, text});
    } else {
      c.add({"SET", key, text});
    }
  };
  for (auto const& chord : chords) {
    auto const key = names_.group(chord.group);
    set(key + ".s", std::to_string(chord.size));
    if (chord.body.is_null()) continue;
    auto const body = text_of(chord.body);
    if (!body) return fail(body.error());
    set(key + ".b", *body);
  }
  return c.empty() ? expected<void>{} : check_all(client_->run(c, repeat::yes, until));
}

expected<std::vector<chord_end>> redis_chords::count(std::span<chord_part const> parts, std::span<value const> bodies,
                                                     std::chrono::seconds expires, deadline until) {
  std::vector<chord_end> out;
  auto const seconds = std::to_string(std::max<std::int64_t>(expires.count(), 0)), lease = lease_text();
  auto const stray = std::to_string(stray_parts.count());
  for (std::size_t first = 0; first < parts.size(); first += parts_at_once) {
    auto const n = std::min(parts_at_once, parts.size() - first);
    std::vector<std::string> keys{names_.claims()}, words{seconds, lease, stray};
    std::unordered_map<std::string_view, std::size_t> says_body;  // one part of each chord is enough
    for (std::size_t i = first; i < first + n; ++i)
      if (!bodies[i].is_null()) says_body[parts[i].group] = i;
    for (std::size_t i = first; i < first + n; ++i) {
      auto const& p = parts[i];
      auto member = text_of(value::list{1, p.id.str(), p.status, p.result});
      if (!member) return fail(member.error());
      auto const says = says_body.find(p.group);
      bool const here = says != says_body.end() && says->second == i;
      auto body = here ? text_of(bodies[i]) : expected<std::string>{std::string{}};
      if (!body) return fail(body.error());
      keys.push_back(names_.group(p.group));
      words.push_back(p.group);
      words.push_back(p.index ? std::to_string(*p.index) : "+inf");
      words.push_back(p.id.str());
      words.push_back(*std::move(member));
      words.push_back(*std::move(body));
    }
    // A connection that broke may have counted them, and claimed: what is claimed and not sent comes by `claim`.
    auto const said =
        client_->eval(count_, {keys.begin(), keys.end()}, {words.begin(), words.end()}, repeat::yes, until);
    if (!said) return fail(said.error());
    for (auto const& item : said->items) {
      if (item.items.size() < 2) continue;
      auto const by = first + static_cast<std::size_t>(item.items[0].integer) - 1;
      auto end = read_end(parts[by].group, item.items[1], item.items.size() > 2 ? item.items[2] : reply{});
      if (!end) return fail(end.error());
      end->by = by;
      out.push_back(*std::move(end));
    }
  }
  return out;
}

expected<chord_end> redis_chords::read_end(std::string group, reply const& members, reply const& body) const {
  chord_end out{std::move(group), {}, {}, std::nullopt};
  for (auto const& m : members.items) {
    auto part = read_part(out.group, m.text);
    if (!part) return fail(part.error());
    part->index = static_cast<std::int64_t>(out.parts.size());
    out.parts.push_back(*std::move(part));
  }
  if (!body.is_text()) return out;
  auto read = codec_.writes().read(body.text);
  if (!read) return fail(read.error());
  out.body = *std::move(read);
  return out;
}

// Celery's `[1, task id, status, result]`.
expected<chord_part> redis_chords::read_part(std::string const& group, std::string_view member) const {
  auto const broken = [&] {
    return fail(errc::decode, "a part of this chord cannot be read: " + std::string{member.substr(0, 100)},
                "group " + group);
  };
  auto read = codec_.writes().read(member);
  auto* fields = read ? read->get_if<value::list>() : nullptr;
  if (!fields || fields->size() < 4) return broken();
  auto const* id = (*fields)[1].get_if<std::string>();
  auto const* status = (*fields)[2].get_if<std::string>();
  if (!id || !status) return broken();
  return chord_part{group, std::nullopt, task_id{*id}, *status, std::move((*fields)[3])};
}

expected<void> redis_chords::end(std::span<std::string const> groups, deadline until) {
  commands c;
  auto const over = std::to_string(chord_over.count());
  for (auto const& g : groups) {
    auto const key = names_.group(g);
    c.add({"DEL", key + ".j", key + ".s", key + ".t", key + ".b", key + ".d", key + ".g"});
    c.add({"SET", key + ".c", "done", "EX", over});
    c.add({"ZREM", names_.claims(), g});
  }
  return c.empty() ? expected<void>{} : check_all(client_->run(c, repeat::yes, until));
}

expected<std::vector<chord_end>> redis_chords::claim(std::size_t limit, deadline until) {
  auto const prefix = names_.group(""), lease = lease_text(), most = std::to_string(limit);
  auto const said = client_->eval(claim_, {names_.claims()}, {prefix, lease, most}, repeat::yes, until);
  if (!said) return fail(said.error());
  std::vector<chord_end> out;
  for (auto const& item : said->items) {
    if (item.items.size() < 2) continue;
    auto end = read_end(item.items[0].text, item.items[1], item.items.size() > 2 ? item.items[2] : reply{});
    if (!end) return fail(end.error());
    out.push_back(*std::move(end));
  }
  return out;
}

expected<void> redis_chords::grow(std::string const& group, std::span<task_id const> added, deadline until) {
  auto const key = names_.group(group), stray = std::to_string(stray_parts.count());
  std::vector<std::string_view> words{stray};
  for (auto const& id : added) words.push_back(id.str());
  auto const said = client_->eval(grow_, {key}, words, repeat::yes, until);
  return said ? expected<void>{} : fail(said.error());
}

// The value of one command that answers with text; null when there is none.
expected<value> redis_chords::run(commands const& what, deadline until) const {
  auto const said = client_->run(what, repeat::yes, until);
  if (auto ok = check_all(said); !ok) return fail(ok.error());
  if (said->empty() || !said->front().is_text()) return value{};
  return codec_.writes().read(said->front().text);
}

expected<value> redis_chords::body(std::string const& group, deadline until) {
  return run(commands::of({"GET", names_.group(group) + ".b"}), until);
}

expected<void> redis_chords::store(wire::result_tuple const& group, std::chrono::seconds expires, deadline until) {
  auto const record = wire::encode_group(group, codec_.writes().name);
  if (!record) return fail(record.error());
  auto const key = names_.group(group.id);
  commands c;
  if (expires.count() > 0) {
    c.add({"SETEX", key, std::to_string(expires.count()), *record});
  } else {
    c.add({"SET", key, *record});
  }
  c.add({"PUBLISH", key, *record});
  return check_all(client_->run(c, repeat::yes, until));
}

expected<std::optional<wire::result_tuple>> redis_chords::fetch(std::string const& id, deadline until) {
  auto const said = client_->run(commands::of({"GET", names_.group(id)}), repeat::yes, until);
  if (auto ok = check_all(said); !ok) return fail(ok.error());
  if (said->empty() || !said->front().is_text()) return std::optional<wire::result_tuple>{};
  auto group = wire::decode_group(said->front().text, codec_.writes().name);
  if (!group) return fail(group.error());
  return std::optional{*std::move(group)};
}

expected<void> redis_chords::forget(std::string const& id, deadline until) {
  return check_all(client_->run(commands::of({"DEL", names_.group(id)}), repeat::yes, until));
}

}  // namespace lovage::backend::redis
