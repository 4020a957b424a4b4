"""A unit: a span of a passage that makes sense by itself and can be quoted."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a unit is."""

    SENTENCE = "sentence"
    ITEM = "item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Unit:
    """
    A span of a passage's text: `start` included, `end` excluded, in characters.

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
