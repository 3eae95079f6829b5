-- Settles a request that had its turn.
-- KEYS: the limit's state. ARGV: answered, failed or too-many; when the turn was given; how many tokens more than
-- estimated, and their interval; the period; by how much an answer raises the rate; for how long nothing more is wanted.
-- All times in microseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local what, given, more, interval, period, step, after = unpack(ARGV)
local state = redis.call('HMGET', KEYS[1], 'blocked', 'share', 'lowered', 'tokens', 'credit', 'credited')
local share = tonumber(state[2] or 1)
local changed = {}
local function set(name, value, format)
    changed[#changed + 1] = name
    changed[#changed + 1] = string.format(format, value)
end

if tonumber(more) ~= 0 then
    local to = math.max(now, tonumber(state[4] or 0)) + more * interval / share
    set('tokens', math.max(now, to), '%.0f')
    if to < now then
        -- The time is over that would be shorter: the next one gets it, and no more than half a period is given at once.
        local fresh = tonumber(state[6] or 0) + period > now
        local credit = fresh and tonumber(state[5] or 0) or 0
        set('credit', math.min(credit + now - to, period / 2), '%.0f')
        set('credited', now, '%.0f')
    end
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
