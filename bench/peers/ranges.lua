-- wrk: GETs of 4 KiB at random multiples of 4 KiB. Environment: BENCH_PATH, BENCH_BYTES.
local path = os.getenv("BENCH_PATH")
local pages = math.floor(tonumber(os.getenv("BENCH_BYTES")) / 4096)

function init()
  math.randomseed(20)
end

function request()
  local first = math.random(0, pages - 1) * 4096
  return wrk.format("GET", path, { ["Range"] = "bytes=" .. first .. "-" .. (first + 4095) })
end
