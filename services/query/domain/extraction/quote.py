"""A stretch of a passage that is quoted."""

from dataclasses import dataclass

from services.query.domain.passage import Passage


@dataclass(frozen=True)
class Quote:
    """
    `passage.text[start:end]`.

    `breaks` are the places within it where a sentence or an item begins, its own start first; `block` tells
    that it ends in a table or in code, which what follows must not run into; `head` is the head of the table
    that it is rows of, which stands elsewhere in the passage; `cut`: its sentence goes on.
    """

    passage: Passage
    start: int
    end: int
    breaks: tuple[int, ...]
    block: bool = False
    head: str = ""
    cut: bool = False

    @property
    def text(self) -> str:
        """The quoted characters."""
        return self.passage.text[self.start : self.end]

    @property
    def length(self) -> int:
        """The number of characters."""
        return self.end - self.start

    def overlaps(self, other: "Quote") -> bool:
        """Tell whether some characters are in both."""
        return self.passage is other.passage and self.start < other.end and other.start < self.end
