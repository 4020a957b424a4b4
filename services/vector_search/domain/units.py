"""What can be quoted of a passage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Units:
    """The units of a passage, in its order, as they are stored and sent: nothing here reads what they say."""

    # Encoded by the feed's adapter as answers carry them.
    encoded: bytes = b""
    # A vector per unit: as many int8 as the model has dimensions, of any length.
    vectors: bytes = b""


NO_UNITS = Units()
