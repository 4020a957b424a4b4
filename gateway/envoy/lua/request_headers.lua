-- The headers of a request: which are kept, what the gateway itself says in them, what services may get.

local tables = require("tables")

local request_headers = {}

-- Services get headers as metadata: gRPC refuses too much of it, binary names whose value is none, and Envoy a
-- request to which it can't add its own. What nobody reads goes before anything can stumble over it.
local function drop_unread(headers, kept)
  local unread = {}
  for name in pairs(headers) do
    if name:sub(1, 1) ~= ":" and not kept[name] then
      unread[#unread + 1] = name
    end
  end
  for _, name in ipairs(unread) do
    headers:remove(name)
  end
end

-- An address without its port; an IPv6 address without its brackets.
local function host(address)
  return (address:gsub(":%d+$", ""):gsub("[%[%]]", ""))
end

-- No query string, and no key that somebody put into the path.
local function path_to_log(path)
  return (path:gsub("%?.*", ""):gsub("[sp]k_%a+_%w+", "(key)"))
end

-- First of all: drops what is not in `kept`, and says which rule the route has and where the caller is. A request
-- without a rule is one that Envoy answers itself.
function request_headers.keep(handle, kept)
  local headers, info = handle:headers(), handle:streamInfo()
  drop_unread(headers, kept)
  local rule = handle:metadata():get("rule")
  if rule ~= nil then
    headers:replace(tables.headers.rule, rule)
    headers:replace(tables.headers.client_address, host(info:downstreamRemoteAddress()))
  end
  local metadata = info:dynamicMetadata()
  metadata:set("gateway.request", "id", headers:get("x-request-id") or "")
  metadata:set("gateway.request", "path", path_to_log(headers:get(":path") or ""))
end

-- Behind the check: takes off what is not for services, and holds the rest against its limits.
function request_headers.check(headers, violations)
  for _, name in ipairs(tables.headers.not_for_services) do
    headers:remove(name)
  end
  for _, name in ipairs(tables.headers.for_services) do
    local value = headers:get(name) or ""
    if #value > tables.headers.longest_value or value:find("[^ -~]") then
      local detail = "at most " .. tables.headers.longest_value .. " characters of ASCII are expected"
      violations[#violations + 1] = { pointer = "/" .. name, detail = detail }
    end
  end
end

return request_headers
