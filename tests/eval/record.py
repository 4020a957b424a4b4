"""What came of one question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.eval.cases import part_of
from tests.eval.dataset import Question
from tests.eval.metrics import hit, ndcg, recall

_MARKER = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True)
class Rank:
    """How well gold pages were ranked: nDCG@10, recall@10, and 1 where the first page is a gold one."""

    ndcg: float
    recall: float
    hit: float

    @classmethod
    def of(cls, found: Sequence[str], gains: Mapping[str, float]) -> Rank:
        """Judge pages, best first."""
        return cls(ndcg(found, gains), recall(found, gains), hit(found, gains))


@dataclass(frozen=True)
class Held:
    """Whether an answer held a gold string, and its length in characters without markers."""

    gold: bool
    length: int

    @classmethod
    def of(cls, answer: str, golds: Sequence[str]) -> Held:
        """Judge an answer."""
        return cls(holds(answer, golds), len(bare(answer)))


@dataclass(frozen=True)
class Record:
    """
    A question in a case and what was answered with `min_confidence: 0`.

    `right`: the answer holds a gold string where the set has them, else its first source is a gold page;
    never where the pages don't answer the question. `holds_gold` None: no gold string is known. `length` is
    in characters without markers. `answered` is by the default threshold; `repeated`: the score and the
    documents were the same when asked for that. `ranks` by bm25, dense, hybrid; empty where nothing is gold
    or the case is a variant. `at_lengths`: what came of other settings of the answer's length, by that
    length. `error`: the code it was refused with.
    """

    id: str
    set: str
    variant: str
    part: str
    answerable: bool | None
    score: float = 0.0
    right: bool = False
    answered: bool = False
    reason: str = ""
    holds_gold: bool | None = None
    first_source_gold: bool = False
    gold_among_sources: bool = False
    length: int = 0
    citations: int = 0
    valid_citations: int = 0
    repeated: bool = True
    answerer: str = ""
    error: str = ""
    features: dict[str, float] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    ranks: dict[str, Rank] = field(default_factory=dict)
    at_lengths: dict[str, Held] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Record:
        """Read what `as_json` has made."""
        ranks = {name: Rank(**each) for name, each in value["ranks"].items()}
        at_lengths = {name: Held(**each) for name, each in value["at_lengths"].items()}
        return cls(**{**value, "ranks": ranks, "at_lengths": at_lengths})


def bare(answer: str) -> str:
    """Return an answer without its markers."""
    return _MARKER.sub("", answer)


def holds(answer: str, golds: Sequence[str]) -> bool:
    """Whether an answer holds one of the strings; white space and case don't matter."""
    text = _plain(bare(answer))
    return any(_plain(each) in text for each in golds)


def judge(
    question: Question,
    case: tuple[str, str],
    sure: Mapping[str, Any],
    default: Mapping[str, Any],
    pages: Mapping[str, str],
    *,
    by_strings: bool,
    ranks: Mapping[str, Rank],
) -> Record:
    """
    Judge the reply `sure` (to `min_confidence: 0`) and the reply `default` to the same question.

    `case` is the set's name and the variant's, `pages` has the page of each document's id, `by_strings` says
    whether gold strings make an answer of this set right.
    """
    answer, sources, citations = sure["answer"], sure["sources"], sure["citations"]
    found = [pages.get(each["document_id"], "") for each in sources]
    first = bool(found) and found[0] in question.gains
    holds_gold = holds(answer, question.answers) if question.answers else None
    good = holds_gold if by_strings and holds_gold is not None else first
    explanation = sure.get("explanation") or {}
    return Record(
        id=question.id,
        set=case[0],
        variant=case[1],
        part=part_of(question.id),
        answerable=question.answerable,
        score=sure["confidence"]["score"],
        right=bool(question.answerable and sure["answered"] and good),
        answered=default["answered"],
        reason=default["reason"],
        holds_gold=holds_gold,
        first_source_gold=first,
        gold_among_sources=any(each in question.gains for each in found),
        length=len(bare(answer)),
        citations=len(citations),
        valid_citations=sum(_is_valid(each, answer, sources) for each in citations),
        repeated=sure["confidence"] == default["confidence"]
        and [each["document_id"] for each in sources] == [each["document_id"] for each in default["sources"]],
        answerer=sure["answerer"],
        features=dict(explanation.get("features", {})),
        milliseconds=dict(explanation.get("milliseconds", {})),
        ranks=dict(ranks),
    )


def refused(question: Question, case: tuple[str, str], code: str) -> Record:
    """Return the record of a question that got an error instead of an answer."""
    nothing = Rank(0.0, 0.0, 0.0)
    ranks = {} if case[1] or not question.gains else dict.fromkeys(("bm25", "dense", "hybrid"), nothing)
    return Record(
        id=question.id,
        set=case[0],
        variant=case[1],
        part=part_of(question.id),
        answerable=question.answerable,
        holds_gold=False if question.answers else None,
        ranks=ranks,
        error=code,
    )


def _is_valid(citation: Mapping[str, Any], answer: str, sources: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the cited part of the answer stands, word for word, in the excerpt of its source."""
    span = answer[citation["start"] : citation["end"]]
    of_source = [each["excerpt"] for each in sources if each["index"] == citation["source_index"]]
    return bool(span.strip()) and any(span in each for each in of_source)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
