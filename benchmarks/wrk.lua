-- Sends the requests of a file one after the other, and prints the results as one line of JSON:
-- `wrk -s wrk.lua URL -- REQUESTS`.

local requests, last = {}, 0

function init(args)
  for request in io.open(args[1], "rb"):read("*a"):gmatch("[^%z]+") do
    requests[#requests + 1] = request
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout
  ))
end
