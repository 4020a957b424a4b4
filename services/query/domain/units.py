"""What can be quoted of a passage."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a unit is."""

    SENTENCE = "sentence"
    ITEM = "item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Unit:
    """
    A span of a passage that makes sense by itself.

    `block` numbers the paragraph, list, table or piece of code that it belongs to; `heading` is the heading
    above it within the passage, empty where the passage has none of its own; `place` counts the units below
    that heading from 0.
    """

    start: int
    end: int
    kind: Kind
    block: int
    heading: str
    place: int
