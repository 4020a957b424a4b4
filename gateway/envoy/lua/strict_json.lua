-- Checks a JSON body against the generated tables and lists everything that is wrong with it.
--
-- check(tables, route, text, last, whole) returns
--   violations  a list of {pointer, detail}; empty when the body is good
--   keys        the top-level keys that are given, in their order
--   malformed   instead: why it is no JSON object, for people

local json_text = require("json_text")

local byte, find = string.byte, string.find

local strict_json = {}

local MAX_DEPTH = 32
local MAX_VIOLATIONS = 100
local INT32_MAX = 2147483647

local EXPECTED = {
  string = "a string is expected",
  base64 = "a string in base64 is expected",
  timestamp = "a time such as 2026-11-22T07:26:33Z is expected",
  bool = "true or false is expected",
  int32 = "a whole number from -2147483648 to 2147483647 is expected",
  double = "a number is expected",
  array = "a list is expected",
  any_array = "a list is expected",
  map = "an object is expected",
  message = "an object is expected",
  any_object = "an object is expected",
}

local ANY = { kind = "any" }
local TIMESTAMP = "^%d%d%d%d%-%d%d%-%d%d[Tt]%d%d:%d%d:%d%d"

-- A step of a JSON pointer (RFC 6901).
local function pointer_step(step)
  return "/" .. tostring(step):gsub("~", "~0"):gsub("/", "~1")
end

local function violate(state, detail, step)
  if #state.violations >= MAX_VIOLATIONS then
    return
  end
  local pointer = {}
  for depth = 1, #state.path do
    pointer[depth] = pointer_step(state.path[depth])
  end
  if step ~= nil then
    pointer[#pointer + 1] = pointer_step(step)
  end
  state.violations[#state.violations + 1] = { pointer = table.concat(pointer), detail = detail }
end

local function is_int32(digits)
  if not find(digits, "^%-?%d+$") or #digits > 11 then
    return false
  end
  local number = tonumber(digits)
  return number >= -INT32_MAX - 1 and number <= INT32_MAX
end

local function is_double(digits)
  local number = tonumber(digits)
  return number ~= nil and number ~= math.huge and number ~= -math.huge
end

local function expect(state, shape, ...)
  if shape.kind == "any" then
    return true
  end
  for n = 1, select("#", ...) do
    if shape.kind == select(n, ...) then
      return true
    end
  end
  violate(state, EXPECTED[shape.kind])
  return false
end

local read_value

local function enter(state, step, at)
  state.path[#state.path + 1] = step
  if #state.path > MAX_DEPTH then
    json_text.fail("nested deeper than " .. MAX_DEPTH .. " levels", at)
  end
end

local function leave(state)
  state.path[#state.path] = nil
end

-- The shape of an object's key: nil when there may be no such key.
local function shape_of_key(state, shape, key)
  if shape.kind == "message" then
    local fields = state.tables.messages[shape.message]
    if #state.path == 0 and state.route.not_in_body[key] then
      return nil
    end
    return fields[key]
  elseif shape.kind == "map" then
    return shape.items
  end
  return ANY
end

local function read_key(state, i, seen)
  local reader = state.reader
  if byte(reader.text, i) ~= 34 then
    json_text.fail("a key in double quotes is expected", i)
  end
  local behind, escaped = json_text.string(reader, i)
  local key = json_text.string_value(reader, i, behind, escaped)
  if seen[key] then
    violate(state, "is given twice", key)
  end
  seen[key] = true
  i = json_text.skip_space(reader, behind)
  if byte(reader.text, i) ~= 58 then
    json_text.fail("a colon is expected after a key", i)
  end
  return json_text.skip_space(reader, i + 1), key
end

-- Reads an object at i. `shape` nil stands for a value whose kind is wrong already: only grammar counts.
local function read_object(state, i, shape)
  local reader, seen, top = state.reader, {}, #state.path == 0
  i = json_text.skip_space(reader, i + 1)
  if byte(reader.text, i) == 125 then
    return i + 1
  end
  while true do
    local key_at, key = i, nil
    i, key = read_key(state, i, seen)
    local inner = shape_of_key(state, shape, key)
    if inner == nil then
      violate(state, "is not a field of this request", key)
      inner = ANY
    elseif top then
      -- Before the value: where the window ends inside it, the key was given all the same.
      state.keys[#state.keys + 1] = key
    end
    enter(state, key, key_at)
    i = read_value(state, i, inner, shape.kind ~= "map")
    leave(state)
    i = json_text.skip_space(reader, i)
    local c = byte(reader.text, i)
    if c == 125 then
      return i + 1
    elseif c ~= 44 then
      json_text.fail("a comma or } is expected", i)
    end
    i = json_text.skip_space(reader, i + 1)
  end
end

local function read_array(state, i, shape)
  local reader, index, items = state.reader, 0, shape.items or ANY
  i = json_text.skip_space(reader, i + 1)
  if byte(reader.text, i) == 93 then
    return i + 1
  end
  while true do
    enter(state, index, i)
    i = read_value(state, i, items, false)
    leave(state)
    index = index + 1
    i = json_text.skip_space(reader, i)
    local c = byte(reader.text, i)
    if c == 93 then
      return i + 1
    elseif c ~= 44 then
      json_text.fail("a comma or ] is expected", i)
    end
    i = json_text.skip_space(reader, i + 1)
  end
end

local function read_null(state, i, shape, is_field)
  local behind = json_text.word(state.reader, i)
  if shape.kind == "any" then
    return behind
  elseif state.route.method == "PATCH" or not is_field then
    violate(state, "null is not a value here; leave it out")
  elseif #state.path == 1 and state.keys[#state.keys] == state.path[1] then
    state.keys[#state.keys] = nil
  end
  return behind
end

function read_value(state, i, shape, is_field)
  local reader = state.reader
  local c = byte(reader.text, i)
  if c == 34 then
    local behind, escaped = json_text.string(reader, i)
    if expect(state, shape, "string", "base64", "timestamp") and shape.kind == "timestamp" then
      if not find(json_text.string_value(reader, i, behind, escaped), TIMESTAMP) then
        violate(state, EXPECTED.timestamp)
      end
    end
    return behind
  elseif c == 123 then
    return read_object(state, i, expect(state, shape, "message", "map", "any_object") and shape or ANY)
  elseif c == 91 then
    return read_array(state, i, expect(state, shape, "array", "any_array") and shape or ANY)
  elseif c == 110 then
    return read_null(state, i, shape, is_field)
  elseif c == 116 or c == 102 then
    local behind = json_text.word(reader, i)
    expect(state, shape, "bool")
    return behind
  end
  local behind, digits = json_text.number(reader, i)
  if expect(state, shape, "int32", "double") then
    if (shape.kind == "int32" and not is_int32(digits)) or not is_double(digits) then
      violate(state, EXPECTED[shape.kind == "int32" and "int32" or "double"])
    end
  end
  return behind
end

local function read_body(state)
  local reader = state.reader
  local i = json_text.skip_space(reader, 1)
  if byte(reader.text, i) ~= 123 then
    json_text.fail("a JSON object is expected", i)
  end
  i = read_object(state, i, { kind = "message", message = state.route.body or "" })
  if not json_text.at_end(reader, i) then
    json_text.fail("nothing may follow the object", i)
  end
end

local function require_keys(state)
  local given = {}
  for _, key in ipairs(state.keys) do
    given[key] = true
  end
  for _, key in ipairs(state.route.required) do
    if not given[key] then
      violate(state, "is required", key)
    end
  end
end

function strict_json.check(tables, route, text, last, whole)
  if find(text, "^[ \t\r\n]*$") then
    return {}, {}, "a JSON object is expected; the body is empty"
  end
  local state = {
    tables = tables,
    route = route,
    reader = json_text.reader(text, last, whole),
    path = {},
    keys = {},
    violations = {},
  }
  local ok, raised = pcall(read_body, state)
  if ok then
    require_keys(state)
  elseif type(raised) ~= "table" then
    error(raised, 0)
  elseif raised.problem then
    return {}, {}, raised.problem .. " (" .. json_text.place(text, raised.at) .. ")"
  else
    -- The window ended: what lies behind it is the transcoder's to check, and keys may follow.
    state.keys[#state.keys + 1] = "*"
  end
  return state.violations, state.keys, nil
end

return strict_json
