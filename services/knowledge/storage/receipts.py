"""Receipts of deletions in rows of operations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.knowledge.domain.receipt import Confirmation, Receipt


def receipt_of(column: Mapping[str, Any] | None) -> Receipt | None:
    """Return the receipt in a row of operations; None: it has none."""
    if column is None:
        return None
    replicas = [
        Confirmation(
            each["address"], datetime.fromisoformat(each["unfindable_at"]), _instant(each["erased_at"])
        )
        for each in column["replicas"]
    ]
    rest = {"replicas": tuple(replicas), "erased_at": _instant(column["erased_at"])}
    return Receipt(**{**column, **rest})


def receipt_column(receipt: Receipt) -> dict[str, Any]:
    """Return what a row of operations holds of a receipt."""
    return {
        **vars(receipt),
        "replicas": [
            {
                "address": each.address,
                "unfindable_at": each.unfindable_at.isoformat(),
                "erased_at": _text(each.erased_at),
            }
            for each in receipt.replicas
        ],
        "erased_at": _text(receipt.erased_at),
    }


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
