-- Problem bodies (RFC 9457), the same shape for every origin.

local tables = require("tables")

local problem = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
  local escaped = text:gsub('[%c"\\\127]', function(character)
    return ESCAPES[character] or string.format("\\u%04x", character:byte())
  end)
  return '"' .. escaped .. '"'
end

-- The body of a problem. `violations` is a list of {pointer, detail}.
function problem.body(code, detail, request_id, violations)
  local status = tables.statuses[code]
  local errors = {}
  for n, violation in ipairs(violations or {}) do
    errors[n] = '{"pointer":' .. quote(violation.pointer) .. ',"detail":' .. quote(violation.detail) .. "}"
  end
  return '{"type":"about:blank","title":'
    .. quote(tables.titles[status])
    .. ',"status":'
    .. status
    .. ',"detail":'
    .. quote(detail)
    .. ',"code":'
    .. quote(code)
    .. ',"request_id":'
    .. quote(request_id or "")
    .. ',"errors":['
    .. table.concat(errors, ",")
    .. "]}"
end

-- Answers a request with a problem, instead of sending it on.
function problem.respond(handle, code, detail, violations)
  local request_id = handle:headers():get("x-request-id")
  local headers = {
    [":status"] = tostring(tables.statuses[code]),
    ["content-type"] = "application/problem+json",
  }
  handle:respond(headers, problem.body(code, detail, request_id, violations))
end

return problem
