"""Custom answers: what a workspace wants answered to questions that it names; a document of pairs in JSON."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.kernel.errors import InvalidArgument, Violation
from services.knowledge.domain.chunking.passage import MAX_CHUNKS, Passage, PassageKind

MAX_PAIRS = 1000
MAX_QUESTION, MAX_ALTERNATIVES, MAX_ANSWER = 1000, 20, 4000
# Of all answers, each as often as it has questions: that often it is in the index.
MAX_ANSWERS_BYTES = 10 * 1024 * 1024

# Pointers lead through the text of the content as though it were part of the request.
_CONTENT = "/content"
_FIELDS = ("question", "alternatives", "answer")
_LONGEST_SHOWN_KEY = 64
# Control characters and lone surrogates, which JSON can escape; an answer has lines, a question has not.
_UNUSABLE_IN_ANSWERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_UNUSABLE_IN_QUESTIONS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Pair:
    """An answer with the question that it is given to, and other ways to ask that."""

    question: str
    alternatives: tuple[str, ...]
    answer: str

    @property
    def questions(self) -> tuple[str, ...]:
        """All ways to ask it, each once."""
        return tuple(dict.fromkeys(each.strip() for each in (self.question, *self.alternatives)))


def pairs(content: bytes) -> list[Pair]:
    """
    Return the pairs of a document of custom answers.

    Raises:
        InvalidArgument: with each rule that is broken.
    """
    reading = _Reading()
    found = reading.pairs(content)
    if reading.violations:
        raise InvalidArgument.of(reading.violations)
    return found


def violations(content: bytes) -> list[Violation]:
    """Return the rules that a document of custom answers breaks."""
    reading = _Reading()
    reading.pairs(content)
    return reading.violations


def passages(found: Sequence[Pair], count_tokens: Callable[[str], int]) -> list[Passage]:
    """Return a passage for each question of each pair, whose text is the answer."""
    made = []
    for pair in found:
        answer = pair.answer.replace("\r\n", "\n").replace("\r", "\n").strip()
        tokens = count_tokens(answer)
        made += [Passage((each,), answer, tokens, PassageKind.ANSWER) for each in pair.questions]
    return made


class _Object(list[tuple[str, object]]):
    """A JSON object as it was written, repeated keys and all."""


class _Reading:
    """Reads a document to its end, whatever is wrong with it."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def pairs(self, content: bytes) -> list[Pair]:
        """Return the pairs; they mean nothing once there are violations."""
        try:
            value = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_Object)
        except json.JSONDecodeError as error:
            return self._refuse(_CONTENT, f"is not JSON: see line {error.lineno}, column {error.colno}")
        except (ValueError, RecursionError):  # no UTF-8, endless numbers, endless nesting
            return self._refuse(_CONTENT, "is not JSON that can be read")
        if isinstance(value, _Object):
            return self._together([self._pair(value, _CONTENT)])
        if not isinstance(value, list):
            return self._refuse(_CONTENT, "must be a pair of question and answer, or a list of pairs")
        if not 1 <= len(value) <= MAX_PAIRS:
            return self._refuse(_CONTENT, f"must have 1 to {MAX_PAIRS} pairs")
        return self._together([self._pair(each, f"{_CONTENT}/{place}") for place, each in enumerate(value)])

    def _together(self, found: list[Pair]) -> list[Pair]:
        if sum(len(pair.questions) for pair in found) > MAX_CHUNKS:
            self._refuse(_CONTENT, f"has more than {MAX_CHUNKS} questions and alternatives")
        elif (
            sum(len(p.questions) * len(p.answer.encode("utf-8", "replace")) for p in found)
            > MAX_ANSWERS_BYTES
        ):
            detail = f"has answers of more than {MAX_ANSWERS_BYTES} bytes, counted once for each question"
            self._refuse(_CONTENT, detail)
        return found

    def _pair(self, value: object, at: str) -> Pair:
        if not isinstance(value, _Object):
            self._refuse(at, "must be an object with question and answer")
            return Pair("", (), "")
        for key, times in Counter(key for key, _ in value).items():
            if key not in _FIELDS:
                self._unknown(key, at)
            elif times > 1:
                self._refuse(f"{at}/{key}", "is given more than once")
        fields = dict(value)
        return Pair(
            self._text(fields.get("question"), f"{at}/question", MAX_QUESTION, _UNUSABLE_IN_QUESTIONS),
            self._alternatives(fields.get("alternatives", []), f"{at}/alternatives"),
            self._text(fields.get("answer"), f"{at}/answer", MAX_ANSWER, _UNUSABLE_IN_ANSWERS),
        )

    def _alternatives(self, value: object, at: str) -> tuple[str, ...]:
        if not isinstance(value, list) or isinstance(value, _Object):
            self._refuse(at, "must be a list of questions")
            return ()
        if len(value) > MAX_ALTERNATIVES:
            self._refuse(at, f"has more than {MAX_ALTERNATIVES} entries")
            return ()
        return tuple(
            self._text(each, f"{at}/{place}", MAX_QUESTION, _UNUSABLE_IN_QUESTIONS)
            for place, each in enumerate(value)
        )

    def _text(self, value: object, at: str, limit: int, unusable: re.Pattern[str]) -> str:
        if value is None:
            self._refuse(at, "is required")
        elif not isinstance(value, str):
            self._refuse(at, "must be a string")
        elif not value.strip():
            self._refuse(at, "must not be empty")
        elif len(value) > limit:
            self._refuse(at, f"is longer than {limit} characters")
        elif unusable.search(value):
            self._refuse(at, "must not hold control characters")
        else:
            return value
        return ""

    def _unknown(self, key: str, at: str) -> None:
        if len(key) <= _LONGEST_SHOWN_KEY and key.isprintable() and key:
            self._refuse(f"{at}/{key.replace('~', '~0').replace('/', '~1')}", "is no field of a pair")
        else:
            self._refuse(at, f"may have {', '.join(_FIELDS)} and no other field")

    def _refuse(self, at: str, detail: str) -> list[Pair]:
        self.violations.append(Violation(at, detail))
        return []
