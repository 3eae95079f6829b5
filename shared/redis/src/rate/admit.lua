-- Takes a turn for one request, or says when to come again.
-- KEYS: the limit's state. ARGV: how far ahead turns are given, the period, then cost, interval and burst of requests, and
-- those of tokens; all times in microseconds, and an interval of 0 where there is no limit.
-- Gives whether there is a turn, how long to wait, the time, and whether the rate is a lowered one.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('HMGET', KEYS[1], 'blocked', 'share', 'requests', 'tokens', 'credit', 'credited')
local blocked, share = tonumber(state[1] or 0), tonumber(state[2] or 1)
local lowered = share < 1 and 1 or 0
if blocked > now then
    return {0, blocked - now, now, lowered}
end

-- What was paid for and not used is good for one period.
local fresh = tonumber(state[6] or 0) + ARGV[2] > now
local credit = {requests = 0, tokens = fresh and tonumber(state[5] or 0) or 0}
local before, own, taken = 0, 0, {}
for nth, name in ipairs({'requests', 'tokens'}) do
    local cost, interval, burst = unpack(ARGV, nth * 3, nth * 3 + 2)
    if tonumber(interval) > 0 then
        local from = math.max(now, tonumber(state[nth + 2] or 0))
        local need = cost * interval / share
        local paid = math.min(need, credit[name])
        local to = from + need - paid
        before = math.max(before, from - burst - now)
        own = math.max(own, to - burst - now)
        taken[#taken + 1] = name
        -- A number given to Redis as it is would lose its last digits.
        taken[#taken + 1] = string.format('%.0f', to)
        if paid > 0 then
            taken[#taken + 1] = 'credit'
            taken[#taken + 1] = string.format('%.0f', credit[name] - paid)
        end
    end
end
if before > tonumber(ARGV[1]) then
    return {0, before - ARGV[1], now, lowered}
end
if #taken > 0 then
    redis.call('HSET', KEYS[1], unpack(taken))
    redis.call('PEXPIRE', KEYS[1], 86400000)
end
return {1, own, now, lowered}
