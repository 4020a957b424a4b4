"""Documents to searchable, beside the bare model on texts of the very same documents, round by round."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.knowledge.bare import BareModel
from tests.bench.knowledge.installation import Base
from tests.bench.knowledge.pages import Pages

CHUNKS_OF_ROUND = 1000
# The bare model gets every fourth document of a round: an even sample, so that a run ends within the hour.
_EVERY = 4


@dataclass(frozen=True)
class Round:
    """What was pushed and how long it took until all of it was searchable; what the model alone took."""

    chunks: int
    seconds: float
    bare_chunks: int
    bare_seconds: float

    @property
    def rate(self) -> float:
        """Chunks per second."""
        return self.chunks / self.seconds

    @property
    def bare_rate(self) -> float:
        """Chunks per second of the model alone."""
        return self.bare_chunks / self.bare_seconds


@dataclass(frozen=True)
class Size:
    """All rounds up to a number of chunks."""

    chunks: int
    rate: float
    bare_rate: float

    @property
    def ratio(self) -> float:
        """What is left of the model's speed."""
        return self.rate / self.bare_rate


def rounds(base: Base, pages: Pages, bare: BareModel, chunks: int, say: Callable[[str], None]) -> list[Round]:
    """Fill a knowledge base up to so many chunks."""
    found: list[Round] = []
    while (filled := sum(each.chunks for each in found)) < chunks:
        number = len(found)
        wanted = min(CHUNKS_OF_ROUND, chunks - filled)
        made = pages.of(f"round{number}", wanted)
        # Turns about, so that neither always has the machine as the other left it.
        before = number % 2 == 1
        sample = made[::_EVERY]
        texts = [text for each in sample for text in each.texts]
        alone = bare.seconds(texts) if before else 0.0
        began = time.perf_counter()
        base.push([each.body for each in made])
        base.wait_searchable()
        seconds = time.perf_counter() - began
        if not before:
            alone = bare.seconds(texts)
        found.append(
            Round(sum(each.chunks for each in made), seconds, sum(each.chunks for each in sample), alone)
        )
        last = found[-1]
        say(f"{filled + last.chunks:,} chunks: {last.rate:.1f}/s, the model alone {last.bare_rate:.1f}/s")
    return found


def sizes(measured: Sequence[Round], wanted: Sequence[int]) -> list[Size]:
    """Return what each size took from the first document on; sizes that were not reached are left out."""
    found = []
    for size in wanted:
        part: list[Round] = []
        for each in measured:
            if sum(one.chunks for one in part) >= size:
                break
            part.append(each)
        chunks = sum(each.chunks for each in part)
        if chunks >= size:
            bare = sum(each.bare_chunks for each in part) / sum(each.bare_seconds for each in part)
            found.append(Size(size, chunks / sum(each.seconds for each in part), bare))
    return found
