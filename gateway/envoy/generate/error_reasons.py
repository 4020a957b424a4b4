"""The codes of problem bodies and their HTTP statuses: read from the comments of errors.v1.ErrorReason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.envoy.generate.descriptors import Descriptors

ENUM = "supportagent.errors.v1.ErrorReason"
_PREFIX = "ERROR_REASON_"
_COMMENT = re.compile(r"^(\d{3})\. (.+)$")


@dataclass(frozen=True)
class ErrorReason:
    """A code that callers see, with the status it goes with."""

    code: str
    status: int
    description: str


def read_error_reasons(descriptors: Descriptors) -> list[ErrorReason]:
    """
    Return all reasons in the order of their numbers, without the unspecified one.

    Raises:
        ValueError: a comment does not begin with its HTTP status, such as `404. No such route.`
    """
    reasons = []
    for value in descriptors.enums[ENUM].value:
        if value.number == 0:
            continue
        comment = _COMMENT.match(descriptors.comment(f"{ENUM}.{value.name}"))
        if comment is None:
            raise ValueError(f"the comment of {value.name} does not begin with its HTTP status")
        reasons.append(ErrorReason(value.name.removeprefix(_PREFIX), int(comment[1]), comment[2]))
    return reasons
