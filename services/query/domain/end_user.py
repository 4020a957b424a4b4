"""End users whom access has vouched for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EndUser:
    """Somebody whom a customer's back end has signed for: `subject` is unique together with `issuer`."""

    issuer: str
    subject: str
