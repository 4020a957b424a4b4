-- For native gRPC calls: keeps only the headers that somebody reads, tells access what the route demands, and gives
-- refusals by the gateway the form in which services refuse: a status with its reason in ErrorInfo.

local grpc_status = require("grpc_status")
local json_value = require("json_value")
local request_headers = require("request_headers")
local tables = require("tables")
local url = require("url")

function envoy_on_request(handle)
  request_headers.keep(handle, tables.headers.of_calls)
end

-- What grpc-message may hold as it is (gRPC over HTTP/2, "Percent-Byte-Unencoded").
local function escaped(text)
  return (text:gsub("[^ -$&-~]", function(character)
    return string.format("%%%02X", character:byte())
  end))
end

-- Envoy's own replies, access' and the check's have a problem body where gRPC has a message.
local function shape(handle)
  local headers = handle:headers()
  local reply = json_value.object(url.decode(headers:get("grpc-message") or ""))
  if reply == nil or reply.type ~= "about:blank" or tables.statuses[reply.code] == nil then
    -- A service's own status.
    return
  end
  local code = tables.grpc_of_status[tables.statuses[reply.code]] or 2
  local wait = tonumber(headers:get("retry-after") or "")
  local status = grpc_status.bytes(code, reply.detail, reply.code, reply.errors or {}, wait)
  headers:replace("grpc-status", tostring(code))
  headers:replace("grpc-message", escaped(reply.detail))
  headers:replace("grpc-status-details-bin", (handle:base64Escape(status):gsub("=+$", "")))
end

function envoy_on_response(handle)
  local ok, raised = pcall(shape, handle)
  if not ok then
    handle:logErr("shaping a status failed: " .. tostring(raised))
  end
end
