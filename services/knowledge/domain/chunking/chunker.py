"""Chunking: from blocks to passages of 150 to 350 tokens that keep their heading path."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.knowledge.domain.chunking.blocks import Block, Heading
from services.knowledge.domain.chunking.cutting import Bit, CountTokens, bits, weighed
from services.knowledge.domain.chunking.passage import Passage
from services.knowledge.domain.chunking.sections import Section, outline


@dataclass(frozen=True)
class Limits:
    """
    Sizes of passages in tokens of the embedding model.

    Below `minimum` a passage joins a neighbour; text is packed up to `target`, what the model can take in
    beside title and headings; tables, code and joined neighbours may reach `maximum`.
    """

    minimum: int = 150
    target: int = 230
    maximum: int = 350


@dataclass(frozen=True)
class _Run:
    """Bits that stand under one heading path."""

    path: tuple[Heading, ...]
    bits: tuple[Bit, ...]

    @property
    def tokens(self) -> int:
        return sum(bit.tokens for bit in self.bits)


@dataclass(frozen=True)
class _Stretch:
    """What becomes one passage."""

    runs: tuple[_Run, ...]

    @property
    def tokens(self) -> int:
        return sum(run.tokens for run in self.runs)

    def joined(self, other: "_Stretch") -> "_Stretch":
        return _Stretch(self.runs + other.runs)


class Chunker:
    """Cuts documents into passages. Equal blocks and title give equal passages."""

    def __init__(self, count_tokens: CountTokens, limits: Limits | None = None) -> None:
        self._count = weighed(count_tokens)
        self._limits = limits or Limits()

    def passages(self, blocks: Iterable[Block], title: str) -> list[Passage]:
        """Return the passages of a document in order; none for a document without text."""
        return [self._passage(stretch) for stretch in self._stretches(outline(blocks, title))]

    def _stretches(self, section: Section) -> list[_Stretch]:
        own = bits(section.pieces, self._count, self._limits.target, self._limits.maximum)
        stretches = [_Stretch((_Run(section.path, tuple(pack)),)) for pack in self._packed(own)]
        for child in section.children:
            stretches += self._stretches(child)
        return self._merged(stretches)

    def _packed(self, row: Sequence[Bit]) -> list[Sequence[Bit]]:
        """
        Cut a section's bits into passages.

        Among the borders that give a passage of a fitting size, the one that reads best is taken, and of
        equally good ones the one that the text after it decides: borders further on stay where they are when
        something is edited.
        """
        packs: list[Sequence[Bit]] = []
        start, left = 0, sum(bit.tokens for bit in row)
        while start < len(row):
            end = self._border(row, start, left)
            packs.append(row[start:end])
            left -= sum(bit.tokens for bit in packs[-1])
            start = end
        return packs

    def _border(self, row: Sequence[Bit], start: int, left: int) -> int:
        """Where the passage ends that begins at `start`; from there on there are `left` tokens."""
        size = row[start].head_tokens
        total = size + left
        candidates: list[tuple[int, bytes, int]] = []
        for place in range(start, len(row)):
            bit = row[place]
            first = place == start
            if not first and size + bit.tokens > (
                self._limits.target if candidates else self._limits.maximum
            ):
                break
            if not first and size >= self._limits.minimum and total - size >= self._limits.minimum:
                candidates.append((bit.apart, hashlib.sha256(bit.text.encode()).digest(), place))
            size += bit.tokens
        else:
            if total <= self._limits.target or not candidates:
                return len(row)
        return min(candidates)[2] if candidates else max(start + 1, place)

    def _merged(self, stretches: list[_Stretch]) -> list[_Stretch]:
        """Join what is too small to stand alone to what follows, what is then left over to what is before."""
        merged: list[_Stretch] = []
        for stretch in stretches:
            if merged and self._small(merged[-1]) and self._fits(merged[-1], stretch):
                merged[-1] = merged[-1].joined(stretch)
            else:
                merged.append(stretch)
        for place in range(len(merged) - 1, 0, -1):
            if self._small(merged[place]) and self._fits(merged[place - 1], merged[place]):
                merged[place - 1 : place + 1] = [merged[place - 1].joined(merged[place])]
        return merged

    def _small(self, stretch: _Stretch) -> bool:
        return stretch.tokens < self._limits.minimum

    def _fits(self, one: _Stretch, other: _Stretch) -> bool:
        # Headings between them count, too.
        return (
            one.tokens + other.tokens <= self._limits.maximum
            and self._passage(one.joined(other)).tokens <= self._limits.maximum
        )

    def _passage(self, stretch: _Stretch) -> Passage:
        common = _common(stretch.runs)
        text, shown = "", common
        for run in stretch.runs:
            for heading in _new_headings(shown, run.path):
                text += f"\n\n{'#' * heading.level} {heading.text}"
            shown = run.path
            text += "\n\n" + _text(run.bits)
        text = text.strip("\n")
        return Passage(tuple(heading.text for heading in common), text, self._count(text))


def _common(runs: Sequence[_Run]) -> tuple[Heading, ...]:
    first, *others = [run.path for run in runs]
    length = len(first)
    for path in others:
        length = min(length, _shared(first, path))
    return first[:length]


def _shared(one: Sequence[Heading], other: Sequence[Heading]) -> int:
    length = 0
    # Identity, not equality: two sections may have the same heading.
    while length < min(len(one), len(other)) and one[length] is other[length]:
        length += 1
    return length


def _new_headings(shown: Sequence[Heading], path: Sequence[Heading]) -> Sequence[Heading]:
    return path[_shared(shown, path) :]


def _text(row: Sequence[Bit]) -> str:
    first, *others = row
    return first.head + first.text + "".join(bit.glue + bit.text for bit in others)
