"""
A follow-up in the light of what was said before it.

"And for teams?" is looked for twice, as it is and behind the user's earlier turns, and the scores are mixed.
Nothing is rewritten, so that a wrong guess costs little.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.query.domain.passage import Found, Passage
from services.query.domain.question import USER, Said
from services.query.domain.text.vocabulary import POINTERS
from services.query.domain.text.words import folded, terms

EARLIER_TURNS = 2
_EARLIER_CHARACTERS = 400

_OPENS_A_FOLLOW_UP = re.compile(
    r"\s*(?:and|or|but|so|also|then|ok|okay|what about|how about|what if|why not|why|how so|really|which one|"
    r"any other|anything else|for example|in that case)\b",
    re.IGNORECASE,
)
_FEW_TERMS = 3

LEANING_WEIGHT = 0.5
STANDING_WEIGHT = 0.25


def leans(message: str) -> bool:
    """Tell whether a question is likely to need what was said before: it is short, points back or goes on."""
    return bool(
        _OPENS_A_FOLLOW_UP.match(message)
        or len(terms(message)) <= _FEW_TERMS
        or not POINTERS.isdisjoint(folded(message))
    )


def earlier_weight(message: str) -> float:
    """Return how much what was said before counts, 0 to 1: less where the question stands alone."""
    return LEANING_WEIGHT if leans(message) else STANDING_WEIGHT


def in_context(message: str, history: Sequence[Said]) -> str:
    """Return the user's latest turns followed by the message; empty where the user said nothing before."""
    earlier = [said.content[:_EARLIER_CHARACTERS] for said in history if said.role == USER][-EARLIER_TURNS:]
    return "\n".join([*earlier, message]) if earlier else ""


def mixed(alone: Found, in_context: Found, weight: float) -> Found:
    """
    Return the passages of both, of one generation, their scores mixed: `weight` is the share of `in_context`.

    A passage that one of them lacks is taken to score there as its last one does: it can't have scored more.
    """
    both = {passage.chunk_id: passage for passage in (*in_context.passages, *alone.passages)}
    first, second = _by_chunk(alone.passages), _by_chunk(in_context.passages)
    first_least, second_least = _least(alone.passages), _least(in_context.passages)
    passages = []
    for chunk_id, passage in both.items():
        one, other = first.get(chunk_id), second.get(chunk_id)
        ours, theirs = _scores(one) if one else first_least, _scores(other) if other else second_least
        score, dense, lexical = ((1 - weight) * a + weight * b for a, b in zip(ours, theirs, strict=True))
        cosines = passage.cosines
        if one and other and len(one.cosines) == len(other.cosines):
            pairs = zip(one.cosines, other.cosines, strict=True)
            cosines = tuple((1 - weight) * a + weight * b for a, b in pairs)
        passages.append(replace(passage, score=score, dense=dense, lexical=lexical, cosines=cosines))
    return Found(tuple(passages), max(alone.revision, in_context.revision), alone.generation)


def _by_chunk(passages: Iterable[Passage]) -> dict[str, Passage]:
    return {each.chunk_id: each for each in passages}


def _scores(passage: Passage) -> tuple[float, float, float]:
    return passage.score, passage.dense, passage.lexical


def _least(passages: Sequence[Passage]) -> tuple[float, float, float]:
    if not passages:
        return 0.0, 0.0, 0.0
    return (
        min(each.score for each in passages),
        min(each.dense for each in passages),
        min(each.lexical for each in passages),
    )
