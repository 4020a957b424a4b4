-- The grammar of JSON (RFC 8259), one token at a time, over a window of a longer text.
--
-- A reader is a table {text, last, whole}: only text[1..last] is looked at; `whole` says whether that is all of it.
-- Every function takes a position and returns the position behind what it read. What breaks the grammar
-- raises {problem = "...", at = position}; the end of a window that is not the whole raises {cut = true}.

local byte, find, sub, char = string.byte, string.find, string.sub, string.char

local json_text = {}

local function fail(problem, at)
  error({ problem = problem, at = at }, 0)
end

local function ended(reader, problem)
  if not reader.whole then
    error({ cut = true }, 0)
  end
  fail(problem, reader.last)
end

json_text.fail = fail

function json_text.reader(text, last, whole)
  return { text = text, last = last, whole = whole }
end

-- The next position that is no white space; raises at the end.
function json_text.skip_space(reader, i)
  local at = find(reader.text, "[^ \t\r\n]", i)
  if at == nil or at > reader.last then
    ended(reader, "the body ends too early")
  end
  return at
end

-- Whether nothing but white space follows.
function json_text.at_end(reader, i)
  local at = find(reader.text, "[^ \t\r\n]", i)
  return at == nil or at > reader.last
end

-- The length of the UTF-8 sequence at i, or nil where there is no valid one (RFC 3629).
local function utf8_length(text, i, last)
  local a = byte(text, i)
  if a < 0xC2 or a > 0xF4 then
    return nil
  end
  local length = a < 0xE0 and 2 or a < 0xF0 and 3 or 4
  if i + length - 1 > last then
    return nil, true
  end
  local b = byte(text, i + 1)
  local low = a == 0xE0 and 0xA0 or a == 0xF0 and 0x90 or 0x80
  local high = a == 0xED and 0x9F or a == 0xF4 and 0x8F or 0xBF
  if b < low or b > high then
    return nil
  end
  for k = i + 2, i + length - 1 do
    local c = byte(text, k)
    if c < 0x80 or c > 0xBF then
      return nil
    end
  end
  return length
end

-- Whether a text is valid UTF-8 without control characters.
function json_text.is_printable(text)
  local i, last = 1, #text
  while i <= last do
    local c = byte(text, i)
    if c < 0x20 or c == 0x7F then
      return false
    elseif c < 0x80 then
      i = i + 1
    else
      local length = utf8_length(text, i, last)
      -- U+0080 to U+009F are control characters too.
      if length == nil or (c == 0xC2 and byte(text, i + 1) < 0xA0) then
        return false
      end
      i = i + length
    end
  end
  return true
end

local function hex4(reader, i)
  if i + 3 > reader.last then
    ended(reader, "the body ends inside a string")
  end
  local digits = sub(reader.text, i, i + 3)
  if not find(digits, "^%x%x%x%x$") then
    fail("\\u takes four hexadecimal digits", i)
  end
  return tonumber(digits, 16)
end

-- Reads a \u escape whose digits begin at i; returns the code point and the position behind it.
local function unicode_escape(reader, i)
  local unit = hex4(reader, i)
  if unit == 0 then
    fail("the character U+0000 is not taken", i)
  elseif unit >= 0xDC00 and unit <= 0xDFFF then
    fail("half of a surrogate pair", i)
  elseif unit < 0xD800 or unit > 0xDBFF then
    return unit, i + 4
  end
  if i + 5 > reader.last then
    ended(reader, "the body ends inside a string")
  end
  local low = sub(reader.text, i + 4, i + 5) == "\\u" and hex4(reader, i + 6) or 0
  if low < 0xDC00 or low > 0xDFFF then
    fail("half of a surrogate pair", i)
  end
  return 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00), i + 10
end

local ESCAPES = { [34] = '"', [92] = "\\", [47] = "/", [98] = "\b", [102] = "\f", [110] = "\n", [114] = "\r", [116] = "\t" }

local function escape(reader, i)
  if i > reader.last then
    ended(reader, "the body ends inside a string")
  end
  local c = byte(reader.text, i)
  if c == 117 then
    local _, behind = unicode_escape(reader, i + 1)
    return behind
  elseif ESCAPES[c] == nil then
    fail("no such escape in a string", i)
  end
  return i + 1
end

-- Reads a string whose opening quote is at i. The second value says whether it has escapes.
function json_text.string(reader, i)
  local text, last, escaped = reader.text, reader.last, false
  i = i + 1
  while i <= last do
    local c = byte(text, i)
    if c == 34 then
      return i + 1, escaped
    elseif c == 92 then
      escaped = true
      i = escape(reader, i + 1)
    elseif c < 32 then
      fail("a control character inside a string has to be escaped", i)
    elseif c < 128 then
      i = i + 1
    else
      local length, cut = utf8_length(text, i, last)
      if length == nil then
        if cut and not reader.whole then
          break
        end
        fail("the body is not valid UTF-8", i)
      end
      i = i + length
    end
  end
  ended(reader, "the body ends inside a string")
end

local function utf8_encode(code)
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  elseif code < 0x10000 then
    return char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return char(
    0xF0 + math.floor(code / 0x40000),
    0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40,
    0x80 + code % 0x40
  )
end

-- The value of a string that json_text.string has read: from its opening quote to before `behind`.
function json_text.string_value(reader, i, behind, escaped)
  if not escaped then
    return sub(reader.text, i + 1, behind - 2)
  end
  local parts, at = {}, i + 1
  while at < behind - 1 do
    local backslash = find(reader.text, "\\", at, true)
    if backslash == nil or backslash >= behind - 1 then
      parts[#parts + 1] = sub(reader.text, at, behind - 2)
      break
    end
    parts[#parts + 1] = sub(reader.text, at, backslash - 1)
    local c = byte(reader.text, backslash + 1)
    if c == 117 then
      local code, next_at = unicode_escape(reader, backslash + 2)
      parts[#parts + 1] = utf8_encode(code)
      at = next_at
    else
      parts[#parts + 1] = ESCAPES[c]
      at = backslash + 2
    end
  end
  return table.concat(parts)
end

-- Reads a number. The second value is its text.
function json_text.number(reader, i)
  local _, stop = find(reader.text, "^[-+.%w]+", i)
  if stop == nil then
    fail("a value is expected", i)
  elseif stop >= reader.last and not reader.whole then
    error({ cut = true }, 0)
  end
  local digits = sub(reader.text, i, stop)
  local integer, rest = string.match(digits, "^%-?(%d+)(.*)$")
  if integer == nil or (#integer > 1 and byte(integer) == 48) then
    fail("not a number", i)
  end
  if not (rest == "" or find(rest, "^%.%d+$") or find(rest, "^%.%d+[eE][-+]?%d+$") or find(rest, "^[eE][-+]?%d+$")) then
    fail("not a number", i)
  end
  return stop + 1, digits
end

local WORDS = { [116] = "true", [102] = "false", [110] = "null" }

-- Reads true, false or null. The second value is the word.
function json_text.word(reader, i)
  local word = WORDS[byte(reader.text, i)]
  if word == nil then
    fail("a value is expected", i)
  end
  local stop = i + #word - 1
  if stop > reader.last then
    ended(reader, "the body ends too early")
  elseif sub(reader.text, i, stop) ~= word or find(reader.text, "^[%w_]", stop + 1) then
    fail("a value is expected", i)
  end
  return stop + 1, word
end

-- Line and column (in bytes) of a position, for people.
function json_text.place(text, at)
  local line, start = 1, 1
  for newline in string.gmatch(sub(text, 1, at - 1), "()\n") do
    line, start = line + 1, newline + 1
  end
  return "line " .. line .. ", column " .. (at - start + 1)
end

return json_text
