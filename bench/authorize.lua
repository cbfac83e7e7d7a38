-- Authorizations for wrk, each with a key of its own. MERCHANTS: how many shops share them (1).
-- It reads no answers: that would cost it more than the server; what the server counted is compared with what was asked.
local merchants = tonumber(os.getenv("MERCHANTS") or "1")
local run = os.getenv("RUN") or tostring(os.time())
local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init()
   asked = 0
   head = "POST /payments/authorize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
   key = run .. "-" .. number .. "-"
end

function request()
   asked = asked + 1
   local body = '{"merchantId":"shop-' .. (asked % merchants) .. '","amount":10000,"currency":"KRW","idempotencyKey":"' ..
      key .. asked .. '"}'
   return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
   print(string.format("authorizations/s: %.0f   p50 %.1f ms   p99 %.1f ms   p99.9 %.1f ms   answers: %d   not 2xx: %d   socket errors: %d",
      summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
      latency:percentile(99.9) / 1000, summary.requests, summary.errors.status,
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
