-- Keeps of every request only the headers that somebody reads, tells access what the route demands, and gives every
-- answer its final form: the route's success status, and one problem shape for upstream errors.
-- It stands first in the chain and so sees answers last. What Envoy itself answers has its shape already
-- (local_reply_config), as has what access and the request check answer.

local json_value = require("json_value")
local problem = require("problem")
local request_headers = require("request_headers")
local tables = require("tables")
local url = require("url")

local PROBLEM = "application/problem+json"
local MAX_REFERENCE = "^[%w_-]+$"

-- Details by the last part of their type.
local function status_details(status)
  local found = {}
  for _, detail in ipairs(type(status.details) == "table" and status.details or {}) do
    local name = type(detail) == "table" and tostring(detail["@type"]):match("([%w_]+)$")
    if name then
      found[name] = detail
    end
  end
  return found
end

local function violations_of(details)
  local bad_request = details.BadRequest or {}
  local violations = {}
  for n, violation in ipairs(bad_request.field_violations or bad_request.fieldViolations or {}) do
    violations[n] = { pointer = violation.field or "", detail = violation.description or "" }
  end
  return violations
end

-- Whole seconds, never less than 1, so that a request after that long is let through.
local function retry_after(details)
  local info = details.RetryInfo or {}
  local seconds = tonumber(tostring(info.retry_delay or info.retryDelay or ""):match("^([%d.]+)s$") or "1")
  return tostring(math.max(1, math.ceil(seconds)))
end

-- Code, detail, violations and wait of a google.rpc.Status. Only a reason that the project knows is believed,
-- and without one the text may be a driver's or an exception's: it is replaced.
local function describe(status, request_id)
  local details = status_details(status)
  local info = details.ErrorInfo or {}
  local code = tables.statuses[info.reason] and info.reason
  local detail = status.message or ""
  if code == nil then
    code = tables.fallbacks[status.code] or "INTERNAL"
    detail = tables.texts[code] or ""
  end
  if code == "INTERNAL" then
    local reference = type(info.metadata) == "table" and info.metadata.reference
    if type(reference) ~= "string" or not reference:find(MAX_REFERENCE) then
      reference = request_id
    end
    detail = "Something went wrong on our side. Reference: " .. (reference or "none") .. "."
  end
  return code, detail, violations_of(details), retry_after(details)
end

local function remove_grpc_headers(headers)
  for _, name in ipairs({ "grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-accept-encoding" }) do
    headers:remove(name)
  end
end

local function write_problem(handle, status)
  local request_id = handle:streamInfo():dynamicMetadata():get("gateway.request")
  request_id = request_id and request_id["id"] or ""
  local code, detail, violations, wait = describe(status, request_id)
  local text = problem.body(code, detail, request_id, violations)
  local body = handle:body(true)
  local length = body:setBytes(text)
  local headers = handle:headers()
  headers:replace(":status", tostring(tables.statuses[code]))
  headers:replace("content-type", PROBLEM)
  headers:replace("content-length", tostring(length))
  if tables.statuses[code] == 429 or tables.statuses[code] == 503 then
    headers:replace("retry-after", wait)
  end
end

-- Where a request says it is gRPC, Envoy gives its own replies gRPC's form: status 200, the body in a header.
local function unwrap_grpc(handle, headers)
  local message = url.decode(headers:get("grpc-message") or "")
  local reply = json_value.object(message)
  if reply == nil or reply.type ~= "about:blank" or reply.status == nil then
    write_problem(handle, { code = tonumber(headers:get("grpc-status")) or 2 })
    return
  end
  local length = handle:body(true):setBytes(message)
  headers = handle:headers()
  headers:replace(":status", tostring(reply.status))
  headers:replace("content-type", PROBLEM)
  headers:replace("content-length", tostring(length))
end

-- The transcoder can't print one field of an answer as the whole (`response_body`), so it comes as {"document":{...}}.
local function unwrap(handle, wrapper)
  local body = handle:body(true)
  local prefix = '{"' .. wrapper .. '":'
  if body:length() <= #prefix or body:getBytes(0, #prefix) ~= prefix then
    return
  end
  local length = body:setBytes(body:getBytes(#prefix, body:length() - #prefix - 1))
  handle:headers():replace("content-length", tostring(length))
end

local function write_success(handle, route)
  local wrapper, success = route:get("wrapper"), route:get("success_status")
  if wrapper ~= nil and wrapper ~= "" then
    unwrap(handle, wrapper)
  end
  if success ~= nil and success ~= "200" then
    handle:headers():replace(":status", success)
  end
end

function envoy_on_request(handle)
  request_headers.keep(handle, tables.headers.from_outside)
end

local function shape(handle)
  local headers = handle:headers()
  local status = tonumber(headers:get(":status"))
  local content_type = headers:get("content-type") or ""
  if content_type:find("^application/grpc") then
    unwrap_grpc(handle, headers)
  elseif status >= 400 and content_type:sub(1, #PROBLEM) ~= PROBLEM then
    local body = handle:body(true)
    local text = body:length() > 0 and body:getBytes(0, body:length()) or ""
    write_problem(handle, json_value.object(text) or { code = tables.grpc_codes[status] or 13 })
  elseif status == 200 then
    write_success(handle, handle:metadata())
  end
  remove_grpc_headers(handle:headers())
end

function envoy_on_response(handle)
  local ok, raised = pcall(shape, handle)
  if not ok then
    handle:logErr("shaping an answer failed: " .. tostring(raised))
  end
end
