-- google.rpc.Status with its details, as bytes: `code`, `message`, ErrorInfo, BadRequest and RetryInfo.

local tables = require("tables")

local grpc_status = {}

local TYPES = "type.googleapis.com/google.rpc."

local function varint(number)
  local bytes = {}
  while number >= 128 do
    bytes[#bytes + 1] = string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  return table.concat(bytes) .. string.char(number)
end

-- Wire types 0 and 2 of protobuf: a number, and bytes with their length before them.
local function integer(field, number)
  return varint(field * 8) .. varint(number)
end

local function bytes(field, value)
  return varint(field * 8 + 2) .. varint(#value) .. value
end

local function detail(name, message)
  return bytes(3, bytes(1, TYPES .. name) .. bytes(2, message))
end

-- The status of a call that was refused. `violations` is a list of {pointer, detail}, `wait` seconds or nil.
function grpc_status.bytes(code, message, reason, violations, wait)
  local parts = { integer(1, code), bytes(2, message) }
  parts[#parts + 1] = detail("ErrorInfo", bytes(1, reason) .. bytes(2, tables.error_domain))
  local listed = {}
  for n, violation in ipairs(violations) do
    listed[n] = bytes(1, bytes(1, tostring(violation.pointer)) .. bytes(2, tostring(violation.detail)))
  end
  if #listed > 0 then
    parts[#parts + 1] = detail("BadRequest", table.concat(listed))
  end
  if wait ~= nil then
    parts[#parts + 1] = detail("RetryInfo", bytes(1, integer(1, wait)))
  end
  return table.concat(parts)
end

return grpc_status
