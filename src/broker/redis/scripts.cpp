#include "broker/redis/scripts.hpp"

namespace lovage::broker::redis_broker {
namespace {

// A server that is out of memory refuses commands that may need more, and all that stand in a MULTI, but none of a
// script that has written already. So the scripts begin with a removal, of nothing where there is nothing to remove:
// what a full server holds can still be taken, kept, settled and purged, and channels still carry.
// `unpack` takes some thousands of arguments at most.

// KEYS: last batch of the producer, delayed, counts.  ARGV: number of the batch, then any of
//   L list n element*n     push           E list n element*n   push; a list of replies is gone after a day
//   Z due queue member     delay          S set member         add
//   P channel payload      publish
// A batch that was done already is not done again: a sender whose connection broke asks once more. All or nothing: what
// can fail is tried before anything is written. A list that was there before and does not expire is no list of replies,
// whatever is sent there; nor is one that messages are sent to. Answers the receivers of each P.
constexpr char publish_text[] = R"(
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then return {} end
local i, total, keeps = 2, #ARGV, false
while i <= total do
  local what = ARGV[i]
  keeps = keeps or what ~= 'P'
  if what == 'L' or what == 'E' then
    redis.call('LLEN', ARGV[i + 1])
    i = i + 3 + tonumber(ARGV[i + 2])
  elseif what == 'Z' then
    redis.call('ZCARD', KEYS[2])
    i = i + 4
  else
    i = i + 3
  end
end
if not keeps then redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'EX', 600)
local receivers = {}
i = 2
while i <= total do
  local what, name = ARGV[i], ARGV[i + 1]
  if what == 'L' or what == 'E' then
    local n = tonumber(ARGV[i + 2])
    local from, last = i + 3, i + 2 + n
    while from <= last do
      local to = math.min(from + 3999, last)
      redis.call('LPUSH', name, unpack(ARGV, from, to))
      from = to + 1
    end
    if what == 'L' then
      redis.call('PERSIST', name)
    elseif redis.call('LLEN', name) == n or redis.call('TTL', name) > 0 then
      redis.call('EXPIRE', name, 86400)
    end
    i = last + 1
  elseif what == 'Z' then
    redis.call('ZADD', KEYS[2], name, ARGV[i + 3])
    redis.call('HINCRBY', KEYS[3], 'delayed:' .. ARGV[i + 2], 1)
    i = i + 4
  elseif what == 'S' then
    redis.call('SADD', name, ARGV[i + 2])
    i = i + 3
  else
    receivers[#receivers + 1] = redis.call('PUBLISH', name, ARGV[i + 2])
    i = i + 3
  end
end
return receivers
)";

// KEYS: unacked, unacked_index, delayed, counts, paused, revoked, then the lists: all queues of the step that is served
// first, and so on. ARGV: most messages, most bytes, start of the names, number of the first name, now (us), number of
// queues, which queue is first, how the queues are served, the number of the last revocation that is known, then for
// each queue the end of its entries, the end of its names and its weight. Answers when the next delayed message is due
// (us, or nothing), revocations with their numbers, then for each piece {queue, step's place, element...}. Queues:
//   0 in turn, a higher step first       1 an earlier queue first, but a higher step before that
//   2 an earlier queue to its end        3 by weight, a higher step first within a queue
constexpr char claim_text[] = R"(
redis.call('HLEN', KEYS[1])
redis.call('ZREM', KEYS[2], 'lv:')
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[5], 'LIMIT', 0, 200)
for i = #due, 1, -1 do
  local member = due[i]
  local q, l, at = string.match(member, '^[^\n]*\n(%d+):(%d+)\n()')
  redis.call('ZREM', KEYS[3], member)
  if q then
    local queue, list = string.sub(member, at, at + q - 1), string.sub(member, at + q, at + q + l - 1)
    local pushed = redis.pcall('RPUSH', list, string.sub(member, at + q + l))
    if type(pushed) == 'table' and pushed.err then
      redis.call('ZADD', KEYS[3], tonumber(ARGV[5]) + 60000000, member)
    else
      redis.call('HINCRBY', KEYS[4], 'delayed:' .. queue, -1)
    end
  end
end
local left, bytes, start, number = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local queues, turn, order = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local steps = queues > 0 and (#KEYS - 6) / queues or 0
local paused = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[5])) do paused[':' .. name] = true end
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local out, taken, size = {false, redis.call('ZRANGEBYSCORE', KEYS[6], '(' .. ARGV[9], '+inf', 'WITHSCORES')}, 0, 0
local function list_of(q, place) return KEYS[6 + (place - 1) * queues + q] end
local function take(q, place, most)
  local list, tail, ending = list_of(q, place), ARGV[7 + 3 * q], ARGV[8 + 3 * q]
  if paused[ending] then return end
  local piece = {q, place}
  while most > 0 and left > 0 and bytes > 0 do
    local chunk = math.min(most, 32)
    if taken > 0 then chunk = math.max(1, math.min(most, 2000, math.floor(bytes / (size / taken)))) end
    local got = redis.call('LRANGE', list, -chunk, -1)
    if #got == 0 then break end
    local hash, index, used = {}, {}, 0
    for i = #got, 1, -1 do
      local element = got[i]
      local name = start .. number .. ending
      number = number + 1
      hash[#hash + 1] = name
      hash[#hash + 1] = '[' .. element .. tail
      index[#index + 1] = now
      index[#index + 1] = name
      piece[#piece + 1] = element
      used = used + 1
      size = size + #element
      bytes = bytes - #element
      if bytes <= 0 then break end
    end
    redis.call('HSET', KEYS[1], unpack(hash))
    redis.call('ZADD', KEYS[2], unpack(index))
    redis.call('LTRIM', list, 0, -(used + 1))
    most, left, taken = most - used, left - used, taken + used
    if #got < chunk then break end
  end
  if #piece > 2 then out[#out + 1] = piece end
end
-- What is served now of the steps from one to another, each by its share.
local function share_out(from, to, share)
  while left > 0 and bytes > 0 do
    local full, all, start = {}, 0, taken
    for k = 0, queues - 1 do
      local q = (turn + k) % queues + 1
      local there = 0
      if not paused[ARGV[8 + 3 * q]] then
        for place = from, to do there = there + redis.call('LLEN', list_of(q, place)) end
      end
      if there > 0 then
        full[#full + 1] = q
        all = all + tonumber(ARGV[9 + 3 * q])
      end
    end
    if #full == 0 then break end
    local whole = left
    for _, q in ipairs(full) do
      local before, most = taken, math.min(share(q, whole, #full, all), left)
      for place = from, to do take(q, place, most - (taken - before)) end
    end
    if taken == start then break end
  end
end
if order == '2' or queues == 1 then
  for q = 1, queues do
    for place = 1, steps do take(q, place, left) end
  end
elseif order == '3' then
  share_out(1, steps, function(q, whole, _, all)
    return math.max(1, math.floor(whole * tonumber(ARGV[9 + 3 * q]) / all))
  end)
else
  for place = 1, steps do
    share_out(place, place, function(_, whole, full)
      return order == '1' and whole or math.max(1, math.floor(whole / full))
    end)
  end
end
if taken == 0 then
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  if #first == 2 then out[1] = first[2] end
end
return out
)";

// KEYS: unacked, unacked_index, delayed, counts, dead, dead index, dead number.  ARGV: for entries of others how long
// (s) they must have been without a sign of life, else empty; then any of
//   D name                        done
//   G name element n list*n       give back, to the end that is served next
//   B name record queue ending    bury; the record ends with the envelope, which stands between "[" and the ending
//   Z name due queue member ending    delay, likewise
// An entry that is not there any more is passed over. Answers how many were there.
constexpr char settle_text[] = R"(
local before = nil
if ARGV[1] ~= '' then
  local time = redis.call('TIME')
  before = time[1] + time[2] / 1000000 - ARGV[1]
end
local function envelope(value, ending)
  if string.sub(value, 1, 1) == '[' and string.sub(value, -#ending) == ending then
    return string.sub(value, 2, -#ending - 1)
  end
  return value
end
local i, total, found = 2, #ARGV, 0
while i <= total do
  local what, name = ARGV[i], ARGV[i + 1]
  local ours = true
  if before then
    local score = redis.call('ZSCORE', KEYS[2], name)
    ours = score and tonumber(score) <= before
  end
  if what == 'G' then
    for k = 1, tonumber(ARGV[i + 3]) do redis.call('LLEN', ARGV[i + 3 + k]) end
  end
  local value = ours and (what == 'B' or what == 'Z') and redis.call('HGET', KEYS[1], name)
  if ours then
    ours = redis.call('HDEL', KEYS[1], name) == 1
    redis.call('ZREM', KEYS[2], name)
  end
  if ours then found = found + 1 end
  if what == 'D' then
    i = i + 2
  elseif what == 'G' then
    local lists = tonumber(ARGV[i + 3])
    for k = 1, ours and lists or 0 do redis.call('RPUSH', ARGV[i + 3 + k], ARGV[i + 2]) end
    i = i + 4 + lists
  elseif what == 'B' then
    if ours then
      local id = redis.call('INCR', KEYS[7])
      redis.call('HSET', KEYS[5], id, ARGV[i + 2] .. envelope(value, ARGV[i + 4]))
      redis.call('ZADD', KEYS[6], id, id)
      redis.call('HINCRBY', KEYS[4], 'dead:' .. ARGV[i + 3], 1)
    end
    i = i + 5
  else
    if ours then
      redis.call('ZADD', KEYS[3], ARGV[i + 2], ARGV[i + 4] .. envelope(value, ARGV[i + 5]))
      redis.call('HINCRBY', KEYS[4], 'delayed:' .. ARGV[i + 3], 1)
    end
    i = i + 6
  end
end
return found
)";

// KEYS: unacked_index.  ARGV: names. A sign of life for each; answers those that are not there any more. Without names
// it tells whether the server takes writes.
constexpr char renew_text[] = R"(
redis.call('ZREM', KEYS[1], 'lv:')
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local gone = {}
for i = 1, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], 'XX', now, ARGV[i])
  else
    gone[#gone + 1] = ARGV[i]
  end
end
return gone
)";

// KEYS: set.  ARGV: member, seconds that the set lasts from now on, or nothing.
constexpr char add_member_text[] = R"(
redis.call('SREM', KEYS[1], '')
redis.call('SADD', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
)";

// KEYS: lists. Answers how many elements they had.
constexpr char purge_text[] = R"(
local found = 0
for _, list in ipairs(KEYS) do
  found = found + redis.call('LLEN', list)
  redis.call('DEL', list)
end
return found
)";

// KEYS: delayed, counts.  ARGV: queue, members. Answers how many were there.
constexpr char purge_delayed_text[] = R"(
local found = 0
for i = 2, #ARGV do found = found + redis.call('ZREM', KEYS[1], ARGV[i]) end
if found > 0 then redis.call('HINCRBY', KEYS[2], 'delayed:' .. ARGV[1], -found) end
return found
)";

// KEYS: counts, dead, dead index, dead number.  ARGV: record, queue.
constexpr char bury_element_text[] = R"(
redis.call('HDEL', KEYS[2], '')
local id = redis.call('INCR', KEYS[4])
redis.call('HSET', KEYS[2], id, ARGV[1])
redis.call('ZADD', KEYS[3], id, id)
redis.call('HINCRBY', KEYS[1], 'dead:' .. ARGV[2], 1)
return id
)";

// KEYS: counts, dead, dead index.  ARGV: any of: id, queue, list, element. Out of the dead set and into the list,
// unless that is empty. Answers how many were there.
constexpr char take_dead_text[] = R"(
local found = 0
for i = 1, #ARGV, 4 do
  if ARGV[i + 2] ~= '' then redis.call('LLEN', ARGV[i + 2]) end
  redis.call('ZREM', KEYS[3], ARGV[i])
  if redis.call('HDEL', KEYS[2], ARGV[i]) == 1 then
    found = found + 1
    redis.call('HINCRBY', KEYS[1], 'dead:' .. ARGV[i + 1], -1)
    if ARGV[i + 2] ~= '' then redis.call('LPUSH', ARGV[i + 2], ARGV[i + 3]) end
  end
end
return found
)";

// KEYS: revoked.  ARGV: seconds until all are over, how many are kept, now (us), revocations. Numbers are the server's
// time, so that they grow though the set was lost.
constexpr char revoke_text[] = R"(
redis.call('ZREM', KEYS[1], '')
local time = redis.call('TIME')
local number = time[1] * 1000000 + time[2]
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if #last == 2 then number = math.max(number, tonumber(last[2]) + 1) end
for i = 4, #ARGV do
  redis.call('ZADD', KEYS[1], string.format('%.0f', number), ARGV[i])
  number = number + 1
end
local over = 0
for _, old in ipairs(redis.call('ZRANGE', KEYS[1], 0, 99)) do
  local till = tonumber(string.match(old, '^%d+'))
  if till and till > tonumber(ARGV[3]) then break end
  over = over + 1
end
if over > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, over - 1) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return number
)";

}  // namespace

scripts const& all_scripts() {
  static scripts const all{lovage::redis::script{publish_text},       lovage::redis::script{claim_text},
                           lovage::redis::script{settle_text},        lovage::redis::script{renew_text},
                           lovage::redis::script{add_member_text},    lovage::redis::script{purge_text},
                           lovage::redis::script{purge_delayed_text}, lovage::redis::script{bury_element_text},
                           lovage::redis::script{take_dead_text},     lovage::redis::script{revoke_text}};
  return all;
}

}  // namespace lovage::broker::redis_broker
