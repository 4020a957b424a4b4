"""What an extractor makes of a document: headings and pieces of text in their order."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Kind(Enum):
    """What a piece is; decides where it may be cut."""

    PARAGRAPH = "paragraph"
    LIST_ITEM = "list item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the outermost."""

    level: int
    text: str


@dataclass(frozen=True)
class Piece:
    """
    A paragraph, an item of a list with all below it, a table or a piece of code.

    The text is what people read: inline markup is gone; tables keep their pipes, code its fences, items their
    markers.
    """

    kind: Kind
    text: str


Block: TypeAlias = Heading | Piece
