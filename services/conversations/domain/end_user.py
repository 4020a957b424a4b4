"""End users whom access has vouched for."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.kernel.errors import Violation

MAX_LENGTH = 255


@dataclass(frozen=True)
class EndUser:
    """Somebody known to a customer: `subject` is unique together with `issuer`."""

    issuer: str
    subject: str

    def violations(self, pointer: str) -> Iterator[Violation]:
        """Yield what is wrong with it."""
        for name, text in (("issuer", self.issuer), ("subject", self.subject)):
            if not 1 <= len(text) <= MAX_LENGTH:
                yield Violation(f"{pointer}/{name}", f"must have 1 to {MAX_LENGTH} characters")
