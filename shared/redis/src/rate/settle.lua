-- Settles a request that had its turn.
-- KEYS: the limit's state. ARGV: answered, failed or too-many; when the turn was given; how many tokens more than
-- estimated, and their interval; by how much an answer raises the rate; for how long nothing more is wanted. All times in
-- microseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local what, given, more, interval, step, after = unpack(ARGV)
local state = redis.call('HMGET', KEYS[1], 'blocked', 'share', 'lowered', 'tokens')
local share = tonumber(state[2] or 1)
local changed = {}
local function set(name, value, format)
    changed[#changed + 1] = name
    changed[#changed + 1] = string.format(format, value)
end

if tonumber(more) ~= 0 then
    set('tokens', tonumber(state[4] or now) + more * interval / share, '%.0f')
end
if what == 'answered' and share < 1 then
    set('share', math.min(1, share + step), '%.6f')
end
if what == 'too-many' then
    -- Those that had their turn before the rate was lowered say nothing about the rate as it is.
    if tonumber(given) > tonumber(state[3] or 0) then
        set('share', math.max(share / 2, 0.0625), '%.6f')
        set('lowered', now, '%.0f')
    end
    set('blocked', math.max(tonumber(state[1] or 0), now + after), '%.0f')
end
if #changed > 0 then
    redis.call('HSET', KEYS[1], unpack(changed))
    redis.call('PEXPIRE', KEYS[1], math.max(86400000, math.floor(after / 1000)))
end
