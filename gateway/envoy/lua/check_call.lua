-- The check of a native gRPC call that access has let pass: its size, its headers, its deadline.

local problem = require("problem")
local query_count = require("query_count")
local request_headers = require("request_headers")

-- A message comes in a frame: whether it is compressed, and how long it is.
local FRAME = 5

local MILLISECONDS = { H = 3600000, M = 60000, S = 1000, m = 1, u = 1e-3, n = 1e-6 }

-- The end of the script: nothing behind it runs.
local function refuse(handle, code, detail, violations)
  query_count.take_back(handle)
  problem.respond(handle, code, detail, violations)
end

-- A `grpc-timeout` in milliseconds; nil for none, or one that can't be read.
local function milliseconds(timeout)
  local digits, unit = (timeout or ""):match("^(%d+)(%a)$")
  if digits == nil or #digits > 8 or MILLISECONDS[unit] == nil then
    return nil
  end
  return tonumber(digits) * MILLISECONDS[unit]
end

-- Services give up at the caller's deadline, or at the route's if that is earlier.
local function limit_deadline(headers, timeout)
  local wanted = milliseconds(headers:get("grpc-timeout"))
  if wanted == nil or wanted > timeout then
    headers:replace("grpc-timeout", string.format("%dm", timeout))
  end
end

local function check(handle, max_body_bytes, timeout)
  local encoding = handle:headers():get("grpc-encoding")
  if encoding ~= nil and encoding ~= "identity" then
    refuse(handle, "UNSUPPORTED_MEDIA_TYPE", "Messages have to be sent uncompressed.")
    return
  end
  local buffer = handle:body()
  if buffer ~= nil and buffer:length() > max_body_bytes + FRAME then
    refuse(handle, "BODY_TOO_LARGE", "The message is larger than this call takes.")
    return
  end
  local headers, violations = handle:headers(), {}
  request_headers.check(headers, violations)
  if #violations > 0 then
    refuse(handle, "INVALID_ARGUMENT", "The request breaks a rule; see errors.", violations)
    return
  end
  limit_deadline(headers, timeout)
end

function envoy_on_request(handle)
  -- Read before the body is: what Envoy hands out is void after a wait.
  local route = handle:metadata()
  local max_body_bytes, timeout = route:get("max_body_bytes"), route:get("timeout_ms")
  if timeout == nil then
    -- A call that there is no route for: Envoy answers it.
    return
  end
  -- Envoy lets a request pass when its script raises, so nothing may be raised.
  local ok, raised = pcall(check, handle, max_body_bytes, timeout)
  if not ok then
    handle:logErr("the check of a call failed: " .. tostring(raised))
    refuse(handle, "INTERNAL", "Something went wrong on our side.")
  end
end
