-- The strict check of a request that access has let pass: query string, path variables, headers, content type, body.
-- It stands before the transcoder, which takes unknown fields, repeated keys, trailing commas and text/plain.

local problem = require("problem")
local query_count = require("query_count")
local request_headers = require("request_headers")
local strict_json = require("strict_json")
local tables = require("tables")
local url = require("url")

-- An Envoy worker serves no one else while Lua runs (a MiB takes about 4 ms), so no more than this is read. A PATCH
-- is read whole: a key that was missed behind the window would be a change that is silently dropped.
local WINDOW = 1048576

-- The end of the script: nothing behind it runs.
local function refuse(handle, code, detail, violations)
  query_count.take_back(handle)
  problem.respond(handle, code, detail, violations)
end

local function is_json(content_type)
  if content_type == nil then
    return false
  end
  local media, rest = content_type:lower():match("^%s*([^%s;]+)%s*(.*)$")
  if media ~= "application/json" then
    return false
  end
  return rest == "" or rest:find('^;%s*charset="?utf%-8"?%s*;?%s*$') ~= nil
end

local function check_body(handle, route, violations)
  local buffer = handle:body()
  local size = buffer ~= nil and buffer:length() or 0
  local headers = handle:headers()
  if size > route.max_body_bytes then
    refuse(handle, "BODY_TOO_LARGE", "The body is larger than this route takes.")
    return false
  end
  if size == 0 and (route.body == nil or route.body_optional) then
    -- The transcoder would let a request pass as it is that says it is gRPC.
    headers:remove("content-type")
    return true
  end
  if route.body ~= nil and size > 0 then
    local encoding = headers:get("content-encoding")
    if not is_json(headers:get("content-type")) or (encoding ~= nil and encoding:lower() ~= "identity") then
      refuse(handle, "UNSUPPORTED_MEDIA_TYPE", "The body has to be application/json in UTF-8.")
      return false
    end
  end
  local last = route.method == "PATCH" and size or math.min(size, WINDOW)
  local text = size > 0 and buffer:getBytes(0, last) or ""
  local found, keys, malformed = strict_json.check(tables, route, text, last, last == size)
  if malformed ~= nil then
    local detail = "The body is not what it should be: " .. malformed .. "."
    refuse(handle, "MALFORMED_JSON", detail, { { pointer = "", detail = malformed } })
    return false
  end
  for _, violation in ipairs(found) do
    violations[#violations + 1] = violation
  end
  if route.body == nil then
    -- An empty object where no body is due says nothing, so nothing goes on.
    buffer:setBytes("")
    headers:remove("content-type")
    headers:remove("content-length")
  else
    headers:replace("x-body-keys", table.concat(keys, ","))
  end
  return true
end

local function check(handle, route)
  local violations = {}
  local path, query = url.split(handle:headers():get(":path"))
  url.check_query(query, route, violations)
  local canonical = url.check_path(path, route, violations)
  if #canonical + #(query or "") > tables.headers.longest_path then
    local detail = "path and query string are longer than " .. tables.headers.longest_path .. " bytes"
    violations[#violations + 1] = { pointer = "", detail = detail }
  end
  if not check_body(handle, route, violations) then
    return
  end
  request_headers.check(handle:headers(), violations)
  if #violations > 0 then
    refuse(handle, "INVALID_ARGUMENT", "The request breaks a rule; see errors.", violations)
    return
  end
  if canonical ~= path then
    handle:headers():replace(":path", canonical .. (query and "?" .. query or ""))
  end
end

function envoy_on_request(handle)
  local name = handle:metadata():get("route")
  if name == nil then
    -- A page, a 404 or a 405: Envoy answers it.
    return
  end
  -- Envoy lets a request pass when its script raises, so nothing may be raised.
  local ok, raised = pcall(check, handle, tables.routes[name])
  if not ok then
    handle:logErr("the check of a request to " .. name .. " failed: " .. tostring(raised))
    refuse(handle, "INTERNAL", "Something went wrong on our side.")
  end
end
