// What the schedule store does in one step of the server each.
//
//   lovage.beat.entry:<name>         hash: definition, origin, enabled, counts_from, last_due, last_run_at, total
//   lovage.beat.changed              sorted set: every name, by the counter's value at its last change
//   lovage.beat.lead                 hash: holder, term, until (ms), counter, all_from (its value at the last removal)
//   lovage.beat.claim:<due> <name>   there while the occurrence is claimed, and two days after it was sent
//   lovage.beat.unsent               sorted set: "<due> <name>" of claims not noted as sent, by when they were made
//   (ms)
//
// Moments are microseconds since 1970 unless said otherwise. ARGV[1] is always the prefix of all keys.
#pragma once

namespace lovage::beats::redis {

/// ARGV: mode (make, change, either), number of entries, for each: name, definition, origin, enabled, counts_from ('':
/// as it is); then names to remove. Nil, or the name that the mode refuses.
inline constexpr char const* write_text = R"(
local p, mode, n = ARGV[1], ARGV[2], tonumber(ARGV[3])
if mode ~= 'either' then
  for i = 0, n - 1 do
    local name = ARGV[4 + i * 5]
    local there = redis.call('EXISTS', p .. 'entry:' .. name) == 1
    if there == (mode == 'make') then return name end
  end
end
local change = redis.call('HINCRBY', p .. 'lead', 'counter', 1)
for i = 0, n - 1 do
  local at = 4 + i * 5
  local name, key = ARGV[at], p .. 'entry:' .. ARGV[at]
  redis.call('HSET', key, 'definition', ARGV[at + 1], 'origin', ARGV[at + 2], 'enabled', ARGV[at + 3])
  if ARGV[at + 4] ~= '' then redis.call('HSET', key, 'counts_from', ARGV[at + 4]) end
  redis.call('ZADD', p .. 'changed', change, name)
end
for i = 4 + n * 5, #ARGV do
  redis.call('DEL', p .. 'entry:' .. ARGV[i])
  redis.call('ZREM', p .. 'changed', ARGV[i])
  redis.call('HSET', p .. 'lead', 'all_from', change)
end
return false
)";

/// ARGV: name, enabled, counts_from when it is enabled again. 1 when it is there.
inline constexpr char const* enable_text = R"(
local p, name, on = ARGV[1], ARGV[2], ARGV[3]
local key = p .. 'entry:' .. name
local before = redis.call('HGET', key, 'enabled')
if not before then return 0 end
if before == on then return 1 end
redis.call('HSET', key, 'enabled', on)
if on == '1' then redis.call('HSET', key, 'counts_from', ARGV[4]) end
redis.call('ZADD', p .. 'changed', redis.call('HINCRBY', p .. 'lead', 'counter', 1), name)
return 1
)";

/// ARGV: who, lease in ms. {1 or 0, term, holder}.
inline constexpr char const* lead_text = R"(
local lead, who, lease = ARGV[1] .. 'lead', ARGV[2], tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local was = redis.call('HMGET', lead, 'holder', 'until', 'term')
local holder, last, term = was[1] or '', tonumber(was[2] or '0'), tonumber(was[3] or '0')
if holder ~= '' and holder ~= who and last > now and last <= now + lease then return {0, term, holder} end
if holder ~= who then term = redis.call('HINCRBY', lead, 'term', 1) end
redis.call('HSET', lead, 'holder', who, 'until', string.format('%.0f', now + lease))
return {1, term, who}
)";

/// ARGV: who.
inline constexpr char const* resign_text = R"(
local lead = ARGV[1] .. 'lead'
if redis.call('HGET', lead, 'holder') == ARGV[2] then redis.call('HSET', lead, 'holder', '') end
return 1
)";

/// ARGV: term; for each: name, due, 1 to send it. {1, 0 or 1 for each}, or {0, holder} when the term is over.
inline constexpr char const* claim_text = R"(
local p, lead = ARGV[1], redis.call('HMGET', ARGV[1] .. 'lead', 'term', 'holder')
if lead[1] ~= ARGV[2] or not lead[2] or lead[2] == '' then return {0, lead[2] or ''} end
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
local out = {1}
for i = 3, #ARGV, 3 do
  local name, due, mine = ARGV[i], ARGV[i + 1], 0
  local past = redis.call('HGET', p .. 'entry:' .. name, 'counts_from')
  if past then
    if tonumber(due) > tonumber(past) then redis.call('HSET', p .. 'entry:' .. name, 'counts_from', due) end
    local claim = due .. ' ' .. name
    if ARGV[i + 2] == '1' and redis.call('SET', p .. 'claim:' .. claim, '1', 'NX') then
      redis.call('ZADD', p .. 'unsent', now, claim)
      mine = 1
    end
  end
  out[#out + 1] = mine
end
return out
)";

/// ARGV: seconds for which claims are kept; for each: name, due, sent at, 1 when the entry was for this one only, 2
/// when it does not count.
inline constexpr char const* note_sent_text = R"(
local p = ARGV[1]
for i = 3, #ARGV, 4 do
  local name, due, key = ARGV[i], ARGV[i + 1], p .. 'entry:' .. ARGV[i]
  local claim = due .. ' ' .. name
  if redis.call('ZREM', p .. 'unsent', claim) == 1 then
    redis.call('EXPIRE', p .. 'claim:' .. claim, ARGV[2])
    if ARGV[i + 3] ~= '2' and redis.call('EXISTS', key) == 1 then
      redis.call('HSET', key, 'last_due', due, 'last_run_at', ARGV[i + 2])
      redis.call('HINCRBY', key, 'total', 1)
      if ARGV[i + 3] == '1' then
        redis.call('HSET', key, 'enabled', '0')
        redis.call('ZADD', p .. 'changed', redis.call('HINCRBY', p .. 'lead', 'counter', 1), name)
      end
    end
  end
end
return 1
)";

/// ARGV: term, age in ms of a claim that is up for taking over, how many at most. {1, "<due> <name>"...}, or {0,
/// holder}.
inline constexpr char const* take_over_text = R"(
local p, lead = ARGV[1], redis.call('HMGET', ARGV[1] .. 'lead', 'term', 'holder')
if lead[1] ~= ARGV[2] or not lead[2] or lead[2] == '' then return {0, lead[2] or ''} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local old = string.format('%.0f', now - tonumber(ARGV[3]))
local out = {1}
for _, claim in ipairs(redis.call('ZRANGEBYSCORE', p .. 'unsent', '-inf', old, 'LIMIT', 0, ARGV[4])) do
  if redis.call('EXISTS', p .. 'entry:' .. string.sub(claim, string.find(claim, ' ', 1, true) + 1)) == 0 then
    redis.call('ZREM', p .. 'unsent', claim)
    redis.call('DEL', p .. 'claim:' .. claim)
  else
    redis.call('ZADD', p .. 'unsent', string.format('%.0f', now), claim)
    out[#out + 1] = claim
  end
end
return out
)";

}  // namespace lovage::beats::redis
