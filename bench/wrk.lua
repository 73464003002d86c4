-- Asks in turn for the lines of a file, each "path<TAB>token"; a POST gets a body that no request had before.
-- Arguments: file, method, a word that is new in each run, the line to start behind.

local requests, method, word, number = {}

function init(arguments)
   method, word, number = arguments[2], arguments[3], tonumber(arguments[4])
   for line in io.lines(arguments[1]) do
      local path, token = line:match("^(%S+)\t(%S+)$")
      requests[#requests + 1] = { path, { Authorization = "Bearer " .. token, ["Content-Type"] = "application/json" } }
   end
end

function request()
   number = number + 1
   local chosen = requests[number % #requests + 1]
   local body = nil
   if method == "POST" then
      body = string.format('{"name":"New %s %d","email":"new.%s.%d@example.com","phone":"+9197%08d"}',
         word, number, word, number, number)
   end
   return wrk.format(method, chosen[1], chosen[2], body)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format('\nRESULT {"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50_ms": %f, "p99_ms": %f}\n',
      summary.requests, summary.duration / 1e6, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
