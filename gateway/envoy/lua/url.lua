-- The parts of a request's path: percent-encoding, the query string, the variables.

local json_text = require("json_text")

local url = {}

local INT32_MAX = 2147483647
local NOT_TEXT = "holds a control character or is not valid UTF-8"

-- A text with its percent-encoding undone.
function url.decode(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function encode(text)
  return (text:gsub("[^%w%-_.~]", function(character)
    return string.format("%%%02X", character:byte())
  end))
end

-- The path without its query string, and the query string (nil where there is none).
function url.split(path)
  local mark = path:find("?", 1, true)
  if mark == nil then
    return path, nil
  end
  return path:sub(1, mark - 1), path:sub(mark + 1)
end

local function value_violation(kind, value)
  if not json_text.is_printable(value) then
    return NOT_TEXT
  elseif kind == "int32" then
    local number = value:find("^%-?%d+$") and #value <= 11 and tonumber(value)
    if not number or number > INT32_MAX or number < -INT32_MAX - 1 then
      return "a whole number from -2147483648 to 2147483647 is expected"
    end
  elseif kind == "bool" and value ~= "true" and value ~= "false" then
    return "true or false is expected"
  elseif kind == "double" and not (value:find("^%-?%d") and tonumber(value)) then
    return "a number is expected"
  end
  return nil
end

-- Adds what is wrong with a query string. `route.query` gives the kind of each known parameter,
-- `route.query_required` names those that have to be there.
function url.check_query(query, route, violations)
  local parameters, seen = route.query, {}
  for pair in (query or ""):gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=(.*)$")
    name = url.decode((name or pair):gsub("+", " "))
    value = url.decode((value or ""):gsub("+", " "))
    local printable = json_text.is_printable(name)
    local pointer = "/" .. (printable and name:gsub("~", "~0"):gsub("/", "~1") or "")
    local kind = parameters[name]
    local detail
    if not printable then
      detail = "a query parameter's name " .. NOT_TEXT
    elseif kind == nil then
      detail = "is not a query parameter of this route"
    elseif seen[name] and kind ~= "array" then
      detail = "is given twice"
    else
      detail = value_violation(kind, value)
    end
    seen[name] = true
    if detail ~= nil then
      violations[#violations + 1] = { pointer = pointer, detail = detail }
    end
  end
  for _, name in ipairs(route.query_required) do
    if not seen[name] then
      violations[#violations + 1] = { pointer = "/" .. name, detail = "is required" }
    end
  end
end

-- Adds what is wrong with the variables of a path, and returns the path to send on: a variable that may
-- span slashes becomes one segment with everything escaped, so that `//`, `..` and a slash at the end stay as they are.
function url.check_path(path, route, violations)
  local captured = { path:match(route.pattern) }
  for n, variable in ipairs(route.variables) do
    local value = url.decode(captured[n])
    local detail = value_violation(variable.kind, value)
    if detail ~= nil then
      violations[#violations + 1] = { pointer = "/" .. variable.name, detail = detail }
    end
    if variable.many then
      path = path:sub(1, #path - #captured[n]) .. encode(value)
    end
  end
  return path
end

return url
