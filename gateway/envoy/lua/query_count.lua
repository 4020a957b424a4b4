-- Puts the month's count of queries right where a request that access has counted gets no further.

local tables = require("tables")

local query_count = {}

-- Nobody waits for it: what gets lost is put right when the workspace has been quiet for a while.
local PATIENCE_MS = 1000

-- Tells access that the request at hand is no query after all, if its route is one where queries are counted.
function query_count.take_back(handle)
  if handle:metadata():get("meter") ~= "query" then
    return
  end
  local headers = handle:headers()
  local message = {
    [":method"] = "POST",
    [":path"] = "/",
    [":authority"] = "check",
    [tables.headers.credential] = headers:get(tables.headers.credential) or "",
    [tables.headers.no_query] = headers:get("x-workspace-id") or "",
  }
  handle:httpCall("check", message, "", PATIENCE_MS, true)
end

return query_count
