"""The scripts that Redis runs: each is one step, which no other replica can come between.

Rules kept here:

* Times are Redis's own, in microseconds, so that the replicas' clocks do not matter.
* Every key has an end: what a replica forgets to remove goes by itself.
* Keys are made in the scripts, of a prefix and what was given; so they are for one Redis, not for a cluster.
* What must not be lost is written and then given its end, which Redis counts as two uses. An answer is written in one
  command, so a full Redis with ``volatile-lfu`` drops the answers that nobody has asked for again before anything else.
"""

from typing import Final

TAKE: Final = """
-- The generic cell rate algorithm (ITU-T I.371, annex A) for all limits of a request, all or nothing.
-- KEYS: one a limit. ARGV: the time in microseconds or 0 for Redis's, then step and tolerance of each limit.
-- Returns 0, or the microseconds to wait.
local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000000 + t[2]
end
local wait, used = 0, {}
for i, key in ipairs(KEYS) do
  local step, tolerance = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local until_us = math.max(now, tonumber(redis.call('GET', key) or now))
  wait = math.max(wait, until_us - tolerance - now)
  used[i] = until_us + step
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', used[i]))
  redis.call('PEXPIRE', key, math.ceil((used[i] - now) / 1000) + 1000)
end
return 0
"""

GIVE_BACK: Final = """
-- Takes one request less. KEYS: one a limit. ARGV: the step of each limit in microseconds.
for i, key in ipairs(KEYS) do
  local until_us = redis.call('GET', key)
  if until_us then
    redis.call('SET', key, string.format('%.0f', tonumber(until_us) - tonumber(ARGV[i])), 'KEEPTTL')
  end
end
return 0
"""

BEAT: Final = """
-- Notes a replica in the sorted set of those that live, or removes it. KEYS: the set.
-- ARGV: the replica's name, until when from now on in milliseconds, 0 to leave. Returns how many others live.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local others = redis.call('ZCARD', KEYS[1])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then others = others - 1 end
if tonumber(ARGV[2]) > 0 then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], math.max(60000, 2 * tonumber(ARGV[2])))
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return others
"""

SAVE: Final = """
-- Keeps a session under the digest of each of its tokens. KEYS: that the owner has lost it, then one a token.
-- ARGV: owner, version, milliseconds to keep, the former tokens' keys joined by spaces, then one record a token.
-- Returns 1, 0 if it is another owner's, or -1 if there is a newer version.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'owner', 'version')
  if found[1] and found[1] ~= ARGV[1] then return 0 end
  if found[1] and tonumber(found[2]) >= tonumber(ARGV[2]) then return -1 end
end
local keys = table.concat(KEYS, ' ', 2)
for key in string.gmatch(ARGV[4], '%S+') do
  if redis.call('HGET', key, 'owner') == ARGV[1] then redis.call('DEL', key) end
end
for i = 2, #KEYS do
  redis.call('HSET', KEYS[i], 'owner', ARGV[1], 'version', ARGV[2], 'record', ARGV[3 + i], 'keys', keys)
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
return 1
"""

TAKE_SESSION: Final = """
-- Removes a session and returns its owner and record, so that it is taken once; tells the owner, and marks it as lost.
-- KEYS: the token's. ARGV: what the marks of lost sessions begin with, milliseconds to keep a mark, the channel.
local found = redis.call('HMGET', KEYS[1], 'owner', 'record', 'keys')
if not found[1] then return false end
for key in string.gmatch(found[3], '%S+') do redis.call('DEL', key) end
redis.call('SET', ARGV[1] .. found[1], '1')
redis.call('PEXPIRE', ARGV[1] .. found[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], found[1])
return {found[1], found[2]}
"""

FORGET: Final = """
-- Removes a session that has ended, if it is still its owner's. KEYS: one a token. ARGV: the owner.
for _, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'owner') == ARGV[1] then redis.call('DEL', key) end
end
return 0
"""
