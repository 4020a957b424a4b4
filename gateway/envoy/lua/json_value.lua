-- Turns JSON text into Lua tables: for the small status bodies that the transcoder makes.

local json_text = require("json_text")

local byte = string.byte

local json_value = {}

local read

local function read_object(reader, i)
  local object = {}
  i = json_text.skip_space(reader, i + 1)
  if byte(reader.text, i) == 125 then
    return i + 1, object
  end
  while true do
    local key_at = i
    local behind, escaped = json_text.string(reader, i)
    local key = json_text.string_value(reader, key_at, behind, escaped)
    i = json_text.skip_space(reader, behind)
    i, object[key] = read(reader, json_text.skip_space(reader, i + 1))
    i = json_text.skip_space(reader, i)
    if byte(reader.text, i) == 125 then
      return i + 1, object
    end
    i = json_text.skip_space(reader, i + 1)
  end
end

local function read_array(reader, i)
  local array = {}
  i = json_text.skip_space(reader, i + 1)
  if byte(reader.text, i) == 93 then
    return i + 1, array
  end
  while true do
    local value
    i, value = read(reader, i)
    array[#array + 1] = value
    i = json_text.skip_space(reader, i)
    if byte(reader.text, i) == 93 then
      return i + 1, array
    end
    i = json_text.skip_space(reader, i + 1)
  end
end

function read(reader, i)
  local c = byte(reader.text, i)
  if c == 123 then
    return read_object(reader, i)
  elseif c == 91 then
    return read_array(reader, i)
  elseif c == 34 then
    local behind, escaped = json_text.string(reader, i)
    return behind, json_text.string_value(reader, i, behind, escaped)
  elseif c == 116 or c == 102 or c == 110 then
    local behind, word = json_text.word(reader, i)
    if word == "null" then
      return behind, nil
    end
    return behind, word == "true"
  end
  local behind, digits = json_text.number(reader, i)
  return behind, tonumber(digits)
end

-- The value of a text, or nil where it is no JSON object.
function json_value.object(text)
  local reader = json_text.reader(text, #text, true)
  local ok, _, value = pcall(function()
    return read(reader, json_text.skip_space(reader, 1))
  end)
  if ok and type(value) == "table" then
    return value
  end
  return nil
end

return json_value
