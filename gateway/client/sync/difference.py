"""What a plan would change, line by line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any

from gateway.client.folder import Page
from gateway.client.sync.sync import MARK, Plan

_FIELDS = ("title", "url", "tags", "locale", "audience", "content_type")
_CONTEXT = 1


def difference(plan: Plan, document: Callable[[str], dict[str, Any]]) -> Iterator[str]:
    """
    Yields the lines: `+` what would be created, `~` changed, `-` deleted; below a changed text, its changes.

    `document` returns a document of the workspace with its content.
    """
    for page in plan.created:
        yield f"+ {page.external_id}  {page.title}"
    for page, present in plan.updated:
        yield f"~ {page.external_id}  {', '.join(_changed(page, present))}"
        if page.sha256 != present["content_sha256"]:
            yield from _lines(page, document(present["id"]))
    for vanished in plan.vanished:
        yield f"- {vanished['external_id']}  {vanished['title']}"


def _changed(page: Page, present: dict[str, Any]) -> Iterator[str]:
    wanted = page.as_document()
    if page.sha256 != present["content_sha256"]:
        yield "content"
    for name in _FIELDS:
        before, after = present.get(name) or "", wanted.get(name) or ""
        if name == "tags":
            before, after = sorted(before), sorted(after)
        if before != after:
            yield name
    if MARK not in present.get("metadata", {}):
        yield "source"
    if present["status"] == "failed":
        yield "failed before"


def _lines(page: Page, present: dict[str, Any]) -> Iterator[str]:
    before, after = present.get("content"), page.content
    if not isinstance(before, str) or not isinstance(after, str):
        return
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), n=_CONTEXT, lineterm="")
    for number, line in enumerate(changes):
        if number > 1:  # the names of the two files
            yield f"    {line}"
