"""Words of a text as they are compared: folded, without inflection, without the ones that say nothing."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from functools import lru_cache

from services.query.domain.text.vocabulary import STOP_WORDS

_WORD = re.compile(r"[^\W_]+")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

# The second word asks: it is no subject.
_HOW_MUCH = re.compile(r"\bhow (?:much|many|long|often|far|old|big|large|fast|soon)\b", re.IGNORECASE)

# A passage is looked at several times for one question, and again for the next.
_REMEMBERED_TEXTS = 2_048


def words(text: str) -> list[str]:
    """Return every word of a text in its order, stop words included, as it is compared."""
    return [stem(word) for word in folded(text)]


def folded(text: str) -> list[str]:
    """Return every word of a text in its order, in lower case and with its endings."""
    if text.isascii():
        return _WORD.findall(text.lower())
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        # Scripts without spaces give one "word" per sentence: compare them sign by sign.
        found.extend(word if _IDEOGRAPH.search(word) else [word])
    return found


def terms(text: str) -> list[str]:
    """Return the words of a text that say something; all of them where none does."""
    every = folded(_HOW_MUCH.sub("how", text))
    # Before the endings are taken off: "notes", "offer", "owner" say something; "not", "off", "own" don't.
    return [stem(word) for word in every if word not in STOP_WORDS] or [stem(word) for word in every]


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def term_set(text: str) -> frozenset[str]:
    """Return the different terms of a text."""
    return frozenset(terms(text))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return an English word without its common endings; other words nearly always as they are."""
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _without_double(word[: -len(ending)] + replacement)
    return word.removesuffix("e") if len(word) > 4 else word


_ENDINGS = (
    ("ations", "at"),
    ("ation", "at"),
    ("ments", "ment"),
    ("sses", "ss"),
    ("ies", "y"),
    ("ied", "y"),
    ("ings", ""),
    ("ing", ""),
    ("ally", "al"),
    ("ely", ""),
    ("ly", ""),
    ("ers", ""),
    ("er", ""),
    ("ed", ""),
    ("ss", "ss"),
    ("us", "us"),
    ("es", ""),
    ("s", ""),
)


def _without_double(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word.removesuffix("e") if len(word) > 4 else word


def weights(question: Iterable[str], texts: Iterable[Set[str]]) -> dict[str, float]:
    """
    Return how much each of the question's terms tells one of the texts from another (idf over `texts`).

    The texts are what was found for the question, so a word that all of them hold weighs little, and one that
    none holds weighs most: what the question is about and nobody speaks of.
    """
    holders: Counter[str] = Counter()
    total = 0
    # In the question's order: a set's differs from process to process, and with it the last digit of sums.
    wanted = list(dict.fromkeys(question))
    for text in texts:
        total += 1
        holders.update(term for term in wanted if term in text)
    return {term: 0.3 + math.log((total + 1) / (holders[term] + 0.5)) for term in wanted}


def coverage(weight: Mapping[str, float], text: Set[str]) -> float:
    """Return the weighted share of the terms that occur in a text, 0 to 1."""
    whole = sum(weight.values())
    return sum(value for term, value in weight.items() if term in text) / whole if whole else 0.0


def likeness(weight: Mapping[str, float], text: Set[str]) -> float:
    """Return how much a text is the question, 0 to 1: it covers it, and there is little else in it."""
    if not text:
        return 0.0
    share, covered = len(text & weight.keys()) / len(text), coverage(weight, text)
    return 2 * share * covered / (share + covered) if share + covered else 0.0
