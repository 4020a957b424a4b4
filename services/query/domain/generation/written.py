"""A text that is being written, read as units: sentences, list items, tables, code, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from services.kernel.sentences import sentences
from services.query.domain.generation.markers import is_only_markers, leading_markers

# Where it is decided what ended, whatever pieces the text arrives in: so equal texts give equal units.
_SETTLED = re.compile(r"[^\s。！？]*(?:\s|[。！？])")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+(?=\S)")
_BULLET = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING = re.compile(r"#{1,6}\s")
_RULE = re.compile(r"\s*(?:([-*_=])[ \t]*)(?:\1[ \t]*){2,}$")
_GLUED = re.compile(r"([.!?…][\"'”’»)*_]*)(?=\[\^?\d)")
_ENDED = re.compile(r"[.!?…:。！？：]['\"”’»)\]*_]*\s*$")

_MOST_INDENTATION = 8


class Form(Enum):
    """What a unit is."""

    SENTENCE = "sentence"
    ITEM = "item"
    TABLE = "table"
    CODE = "code"
    HEADING = "heading"


@dataclass(frozen=True)
class Unit:
    """
    A unit as it was written: `gap` is the white space before it, `lead` the bullet and its indentation.

    Markers behind a sentence belong to it.
    """

    text: str
    form: Form
    gap: str
    lead: str = ""


class Reader:
    """
    Cuts a text that arrives in pieces; the units depend on the text alone, not on the pieces.

    Sentences are told as soon as the next one has begun, items and headings at the end of their line, tables
    and code when they are over.
    """

    def __init__(self) -> None:
        self._rest = ""  # what is not settled yet
        self._line = ""  # the present line, unless it is prose
        self._prose = ""  # the present paragraph from its first sentence that is not told
        self._in_prose = False  # the present line belongs to it
        self._block = ""  # an open table or piece of code
        self._fence = ""
        self._breaks = 0  # line ends since the last unit
        self._joint = ""  # white space since the last sentence of the same line
        self._begun = False

    def feed(self, text: str) -> Iterator[Unit]:
        """Take more of the text and yield the units that it completes."""
        self._rest += text.replace("\r", "")
        at = 0
        for token in _SETTLED.finditer(self._rest):
            at = token.end()
            yield from self._take(token.group())
        self._rest = self._rest[at:]

    def close(self) -> Iterator[Unit]:
        """Yield what is left, the text being at its end."""
        yield from self._take(self._rest + "\n")
        self._rest = ""
        yield from self._end_prose()
        yield from self._end_block()

    def _take(self, token: str) -> Iterator[Unit]:
        if self._in_prose:
            self._prose += token
        else:
            self._line += token
            if not self._fence and self._line.strip() and self._is_prose(self._line):
                yield from self._begin_prose_line()
        if token.endswith("\n"):
            yield from self._end_line()
        elif self._in_prose:
            yield from self._whole_sentences()

    @staticmethod
    def _is_prose(line: str) -> bool:
        text = line.lstrip()
        return not (
            text.startswith("|")
            or _FENCE.match(line)
            or _BULLET.match(text)
            or _HEADING.match(text)
            or _RULE.match(line.rstrip())
        )

    def _begin_prose_line(self) -> Iterator[Unit]:
        yield from self._end_block()
        if self._prose:
            first = self._line.lstrip()[:1]
            if _ENDED.search(self._prose) or not first.islower():
                yield from self._end_prose()
        self._prose += self._line
        self._line, self._in_prose = "", True

    def _end_line(self) -> Iterator[Unit]:
        if self._in_prose:
            self._in_prose = False
            if not self._prose.strip() or _ENDED.search(self._prose):
                yield from self._end_prose()
            return
        line, self._line = self._line, ""
        if self._fence:
            self._block += line
            if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
                yield from self._end_block()
            return
        yield from self._end_prose()
        if mark := _FENCE.match(line):
            yield from self._end_block()
            self._fence, self._block = mark.group(1), line
        elif line.lstrip().startswith("|"):
            self._block += line
        else:
            yield from self._end_block()
            if not line.strip() or _RULE.match(line.rstrip()):
                self._breaks = 2
            elif item := _ITEM.match(line):
                lead = item.group()[-_MOST_INDENTATION:]
                yield self._unit(line[item.end() :], Form.ITEM, lead)
                self._breaks = 1
            elif line.strip():
                yield self._unit(line, Form.HEADING)
                self._breaks = 1

    def _whole_sentences(self) -> Iterator[Unit]:
        """Yield the paragraph's sentences but the last: it may go on."""
        text = self._prose = _GLUED.sub(r"\1 ", self._prose)
        spans = _sentences(text)
        if spans and is_only_markers(text[slice(*spans[-1])]):
            spans.pop()
        if len(spans) < 2:
            return
        yield from self._told(text, spans[:-1], spans[-1][0])
        start = spans[-1][0] + leading_markers(text[spans[-1][0] :])
        self._prose = text[start:].lstrip()

    def _told(self, text: str, spans: list[tuple[int, int]], following: int) -> Iterator[Unit]:
        starts = [start for start, _ in spans] + [following]
        for (start, end), after in zip(spans, starts[1:], strict=True):
            start += leading_markers(text[start:])
            behind = leading_markers(text[end:])
            sentence = text[start : end + behind].strip()
            if sentence:
                yield self._unit(sentence, Form.SENTENCE)
                self._joint = " " if text[end : end + 1].isspace() or after > end else ""

    def _end_prose(self) -> Iterator[Unit]:
        text, self._prose = _GLUED.sub(r"\1 ", self._prose), ""
        if not text.strip():
            return
        yield from self._told(text, _sentences(text), len(text))
        self._breaks = max(self._breaks, 1)

    def _end_block(self) -> Iterator[Unit]:
        text, self._block = self._block, ""
        form = Form.CODE if self._fence else Form.TABLE
        self._fence = ""
        if text.strip():
            yield self._unit(text.rstrip(), form)
            self._breaks = max(self._breaks, 1)

    def _unit(self, text: str, form: Form, lead: str = "") -> Unit:
        gap = "\n" * self._breaks or self._joint
        unit = Unit(text.strip() if form is not Form.CODE else text, form, gap if self._begun else "", lead)
        self._begun, self._breaks, self._joint = True, 0, ""
        return unit


def _sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences; none ends between two backticks."""
    spans: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if spans and text.count("`", *spans[-1]) % 2:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans
