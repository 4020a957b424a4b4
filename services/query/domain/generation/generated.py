"""An answer that grows from what a model writes: checked, cited, and told as far as it holds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.query.domain.answer import Citation, Piece
from services.query.domain.generation.chat import ChatFailed, Failure
from services.query.domain.generation.grounding import Grounding, Verdict
from services.query.domain.generation.markers import without_markers
from services.query.domain.generation.safe_links import with_safe_links
from services.query.domain.generation.small_talk import (
    is_bare_answer,
    is_filler,
    says_nothing_found,
    without_opening,
)
from services.query.domain.generation.written import Form, Unit

_BLOCKS = (Form.TABLE, Form.CODE)
_GAPS = ("", " ", "\n", "\n\n")


@dataclass(frozen=True)
class GroundedPiece(Piece):
    """A part of an answer that the passages hold; `support` tells how plainly, 0 to 1."""

    support: float = 0.0


@dataclass(frozen=True)
class _Kept:
    unit: Unit
    text: str
    verdict: Verdict


class GeneratedAnswer:
    """
    Takes what a model writes, unit by unit, and yields what may be told.

    A claim that no passage holds is cut. Of numbered steps all are told or none: a procedure with a step
    missing is another procedure. While more was cut than kept, nothing is told.
    """

    def __init__(self, grounding: Grounding) -> None:
        self._grounding = grounding
        self._addresses = grounding.addresses
        self._at = 0
        self._gap = ""
        self._ahead: list[Unit] = []  # headings and lead-ins, told with what they lead into
        self._cut_since = False
        self._steps: list[tuple[Unit, str, Verdict]] = []
        self._waiting: list[_Kept] = []
        self._kept = self._cut = 0
        self._says_nothing = self._wrote = False

    def take(self, unit: Unit) -> Iterator[GroundedPiece]:
        """Take the next unit and yield the pieces that are told now."""
        self._wrote = True
        in_steps = bool(self._steps) and (unit.form is Form.ITEM and (_is_step(unit) or _is_nested(unit)))
        if not in_steps:
            self._end_steps()
        self._gap = max(self._gap, unit.gap, key=_GAPS.index)
        if unit.form in _BLOCKS:
            self._take_block(unit)
        else:
            self._take_claim(unit, in_steps)
        yield from self._told()

    def close(self) -> Iterator[GroundedPiece]:
        """
        Yield what is left, the model having come to its end or to its limit.

        Raises:
            ChatFailed: EMPTY, NO_ANSWER or UNSUPPORTED, there is no answer in what it wrote.
        """
        self._end_steps()
        yield from self._told()
        if self._cut > self._kept or (self._cut and not self._kept):
            raise ChatFailed(Failure.UNSUPPORTED)
        if not self._kept:
            raise ChatFailed(Failure.NO_ANSWER if self._says_nothing else Failure.EMPTY)

    def _take_block(self, unit: Unit) -> None:
        self._judge(unit, unit.text, self._grounding.holds_code(unit.text))

    def _take_claim(self, unit: Unit, in_steps: bool) -> None:
        text, cited = without_markers(unit.text)
        text = without_opening(with_safe_links(text, self._addresses).strip())
        if says_nothing_found(text):
            self._says_nothing = True
        elif is_bare_answer(text) or _leads_in(unit, text):
            self._hold_ahead(unit, text)
        elif not is_filler(text):
            verdict = self._grounding.check(text, cited)
            if in_steps or _is_step(unit):
                self._steps.append((replace(unit, gap=self._gap), text, verdict))
                self._gap = ""
            else:
                self._judge(unit, text, verdict)

    def _hold_ahead(self, unit: Unit, text: str) -> None:
        if is_filler(text) or not self._grounding.repeats_facts(text):
            return
        if unit.form is Form.HEADING:
            self._ahead.clear()
        elif self._ahead and self._ahead[-1].form is not Form.HEADING:
            self._ahead.pop()
        self._ahead.append(Unit(text, unit.form, self._gap, unit.lead))
        self._cut_since = False
        self._gap = ""

    def _end_steps(self) -> None:
        whole = all(verdict.supported for _, _, verdict in self._steps)
        for unit, text, verdict in self._steps:
            self._gap = max(self._gap, unit.gap, key=_GAPS.index)
            self._judge(unit, text, verdict if whole else Verdict())
        self._steps.clear()

    def _judge(self, unit: Unit, text: str, verdict: Verdict) -> None:
        if not verdict.supported:
            self._cut += 1
            self._cut_since = True
            return
        self._kept += 1
        if unit.form is Form.SENTENCE and self._cut_since:
            # What they led into is gone.
            self._ahead = [each for each in self._ahead if each.form is Form.HEADING]
        self._waiting += [_Kept(each, each.text, Verdict()) for each in self._ahead]
        gap = "\n" if self._ahead and not self._gap else self._gap
        self._ahead.clear()
        self._waiting.append(_Kept(Unit(unit.text, unit.form, gap, unit.lead), text, verdict))
        self._gap = ""

    def _told(self) -> Iterator[GroundedPiece]:
        if self._cut > self._kept:
            return
        for each in self._waiting:
            yield self._piece(each)
        self._waiting.clear()

    def _piece(self, kept: _Kept) -> GroundedPiece:
        before = (kept.unit.gap if self._at else "") + kept.unit.lead
        start = self._at + len(before)
        end = start + len(kept.text)
        marker = "".join(f"[{number}]" for number in kept.verdict.sources)
        if marker:
            marker = ("\n" if kept.unit.form in _BLOCKS else " ") + marker
        citations = tuple(Citation(start, end, number) for number in kept.verdict.sources)
        self._at = end + len(marker)
        return GroundedPiece(before + kept.text + marker, citations, kept.verdict.support)


def _is_step(unit: Unit) -> bool:
    return unit.form is Form.ITEM and unit.lead.strip()[:1].isdigit()


def _is_nested(unit: Unit) -> bool:
    return unit.lead[:1].isspace()


def _leads_in(unit: Unit, text: str) -> bool:
    return unit.form is Form.HEADING or (
        unit.form is Form.SENTENCE and text.rstrip("*_ ").endswith((":", "："))
    )
