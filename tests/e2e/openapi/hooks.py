"""What schemathesis has to be told of these requests beyond the document."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.core import NOT_SET
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.meta import TestPhase

# What a field may be, where its schema allows more: the words of the protos.
ONE_OF = {
    "audience": ("public", "authenticated"),
    "content_type": ("text/markdown", "text/plain"),
    "locale": ("en", "pt-BR"),
    "role": ("user", "assistant"),
    "url": ("https://help.example/page",),
}
MOST = {"max_sources": 10, "max_results": 50, "min_confidence": 1}
NOT_EMPTY = ("message", "title", "external_id", "content", "tags", "document_ids")
# They name something that has to exist, has to be signed, or may not be together with another: left out as a
# rule, so that there are answers, and kept now and then, so that there are refusals.
SELDOM = ("conversation_id", "user_token", "content_base64")


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: schemathesis.Case[Any], response: Response
) -> bool:
    """Takes it as no failure that a field that is null counts as absent: the document says so in words."""
    return not (isinstance(failure, AcceptedNegativeData) and case.method != "PATCH" and has_null(case.body))


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """
    Puts most good bodies within their bounds, so that they reach what lies behind the checks of the input.

    Those at the borders of the schema stay as they are.
    """
    if case.meta is None or case.meta.phase.name is TestPhase.COVERAGE or case.body is NOT_SET:
        return
    if case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE:
        case.body = within_bounds(case.body)


def has_null(value: Any) -> bool:
    """Whether a field of an object is null, however deep."""
    if isinstance(value, list):
        return any(has_null(each) for each in value)
    return isinstance(value, dict) and any(each is None or has_null(each) for each in value.values())


def within_bounds(value: Any) -> Any:
    """The value with every field of a name known here within its bounds, and without control characters."""
    if isinstance(value, str):
        return "".join(each for each in value if each.isprintable())
    if isinstance(value, list):
        return [within_bounds(each) for each in value[:40]]
    if not isinstance(value, dict):
        return value
    fields = {
        within_bounds(name): _field(name, each)
        for name, each in value.items()
        if name not in SELDOM or len(each or "") > 6
    }
    if "title" in fields:
        # A document without content has to say so.
        fields.setdefault("content", "It renews on the first day of each month.")
    return fields


def _field(name: str, value: Any) -> Any:
    if name in ONE_OF and isinstance(value, str):
        return ONE_OF[name][len(value) % len(ONE_OF[name])]
    if name in MOST and isinstance(value, int | float):
        return min(max(value, 1), MOST[name])
    plain = within_bounds(value)
    if name not in NOT_EMPTY:
        return plain
    if isinstance(plain, list):
        return [each or "word" for each in plain[:20]]
    return plain if not isinstance(plain, str) or plain.strip() else "When does it renew?"
