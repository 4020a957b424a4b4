"""A turn and its caller as the bytes that wait in the outbox."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.query.domain.answer import Action, Source
from services.query.domain.conversation import AssistantMessage, Turn, UserMessage
from services.query.domain.end_user import EndUser


def encode(caller: Caller, turn: Turn) -> bytes:
    """Return the bytes."""
    body = {"caller": {**asdict(caller), "scopes": sorted(caller.scopes)}, "turn": asdict(turn)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_instant).encode()


def decode(payload: bytes) -> tuple[Caller, Turn]:
    """Return what `encode` was given."""
    body = json.loads(payload)
    caller, turn = body["caller"], body["turn"]
    return (
        Caller(
            workspace_id=WorkspaceId(caller["workspace_id"]),
            key_id=caller["key_id"],
            scopes=frozenset(caller["scopes"]),
            environment=caller["environment"],
            request_id=caller["request_id"],
            publishable=caller.get("publishable", False),
        ),
        Turn(
            conversation_id=turn["conversation_id"],
            channel=turn["channel"],
            metadata=turn["metadata"],
            user=UserMessage(**_dated(turn["user"])),
            assistant=_assistant(turn["assistant"]),
            # Turns that wait since before there were any have none.
            end_user=EndUser(**turn["end_user"]) if turn.get("end_user") else None,
        ),
    )


def _assistant(fields: dict[str, Any]) -> AssistantMessage:
    sources = tuple(Source(**each) for each in fields["sources"])
    actions = tuple(Action(**each) for each in fields["actions"])
    return AssistantMessage(**{**_dated(fields), "sources": sources, "actions": actions})


def _dated(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "created_at": datetime.fromisoformat(fields["created_at"])}


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a turn")
