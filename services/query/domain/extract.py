"""The extractive answer: the sentences of the best passages that answer, word for word."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.query.domain import expected
from services.query.domain.blocks import Kind, Unit, units
from services.query.domain.passage import Passage
from services.query.domain.ranking import Candidate
from services.query.domain.words import likeness, term_set, terms, weights

ANSWER_CHARACTERS = 400
BLOCK_CHARACTERS = 560

_QUOTED_DOCUMENTS = 3
_PASSAGES_EACH = 2

# Shares of a unit's score, fitted by hand on half of the public sets.
_IN_HEADINGS = 0.4
_IN_NEIGHBOUR = 0.45
_HEADING_ASKS = 0.6
_HEADING_DECAY = 0.3
_EXPECTED = 0.15
_PASSAGE = 1.5
_WORTH_ADDING = 0.5
_SECTION_WORTH_ADDING = 0.85
_OTHER_WORTH_ADDING = 0.85
_BLOCK_WORTH_ADDING = 0.8
_SAME = 0.8
_TOO_LITTLE = 0.5
_IS_QUESTION = 0.3
_TINY = 12
_BARE = 24

_BLOCKS = (Kind.TABLE, Kind.CODE)
# It points back to a sentence before it, without which it says little.
_DANGLES = re.compile(
    r"[^\w]*(?:they|it|this|these|those|that|he|she|otherwise|then|also|however|instead|only if|the ones?|"
    r"after that|if so|if not|in (?:that|this) case|for (?:that|this)|because of (?:that|this))\b",
    re.IGNORECASE,
)

# Between neighbours that are quoted as one there is white space and at most a bullet.
_GAP = 8
_BETWEEN = re.compile(r"\s*(?:(?:[-*+•]|\d{1,3}[.)])\s+)?")


@dataclass(frozen=True)
class Quote:
    """
    `passage.text[start:end]`.

    `breaks` are the places within it where a sentence or an item begins, its own start first; `block` tells
    that it ends in a table or in code, which what follows must not run into.
    """

    passage: Passage
    start: int
    end: int
    breaks: tuple[int, ...]
    block: bool = False

    @property
    def text(self) -> str:
        """The quoted characters."""
        return self.passage.text[self.start : self.end]


@dataclass(frozen=True)
class _Scored:
    passage: Passage
    unit: Unit
    score: float
    terms: frozenset[str]

    @property
    def text(self) -> str:
        """The unit's characters."""
        return self.passage.text[self.unit.start : self.unit.end]

    @property
    def announces(self) -> bool:
        """Whether it only leads into what follows it."""
        return self.text.rstrip("*_ ").endswith(":")

    @property
    def quote(self) -> Quote:
        start, end = self.unit.start, self.unit.end
        end = _cut(self.passage.text, start, end)
        return Quote(self.passage, start, end, (start,), self.unit.kind in _BLOCKS)


def quotes(
    question: str, candidates: Sequence[Candidate], found: Sequence[Passage], limit: int = ANSWER_CHARACTERS
) -> list[Quote]:
    """
    Return what to quote, in the order to read it: at most about `limit` characters, one passage per document.

    `candidates` are the documents that may be quoted, best first, `found` all passages of the search: what
    they have in common tells least about the answer. Empty where the passages are blank.
    """
    if not candidates:
        return []
    weight = weights(terms(question), [term_set(passage.whole) for passage in found])
    top = candidates[0].score
    scored: list[_Scored] = []
    for candidate in candidates[:_QUOTED_DOCUMENTS]:
        for passage in candidate.passages[:_PASSAGES_EACH]:
            scored.extend(_score(question, weight, passage, top))
    return _joined(_choose(scored, limit)) or _beginning(candidates)


def _beginning(candidates: Sequence[Candidate]) -> list[Quote]:
    """Return the beginning of the best passage that is not blank; for passages without any sentence."""
    for passage in (passage for candidate in candidates for passage in candidate.passages):
        text = passage.text
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        if start < end:
            return [Quote(passage, start, _cut(text, start, end), (start,))]
    return []


def _score(question: str, weight: Mapping[str, float], passage: Passage, top: float) -> list[_Scored]:
    fits = expected.fits(question)
    every = units(passage.text)
    held = [term_set(passage.text[unit.start : unit.end]) for unit in every]
    scored = []
    for at, unit in enumerate(every):
        text = passage.text[unit.start : unit.end]
        headings = (passage.title, *passage.heading_path, unit.heading)
        score = _overlap(weight, held, at, term_set(" ".join(headings)))
        score += _HEADING_ASKS * _heading_asks(weight, passage, unit)
        wanted = bool(fits and fits(text))
        score += _EXPECTED * wanted
        score -= _PASSAGE * (top - passage.score)
        if not held[at] or (len(text) < _TINY and not wanted):
            score -= _TOO_LITTLE
        if text.endswith("?"):
            score -= _IS_QUESTION
        scored.append(_Scored(passage, unit, score, held[at]))
    return scored


def _overlap(
    weight: Mapping[str, float], held: Sequence[frozenset[str]], at: int, headings: frozenset[str]
) -> float:
    around = held[at - 1] if at else frozenset()
    if at + 1 < len(held):
        around |= held[at + 1]
    whole = sum(weight.values()) or 1.0
    total = 0.0
    for term, value in weight.items():
        if term in held[at]:
            total += value
        elif term in headings:
            total += _IN_HEADINGS * value
        elif term in around:
            total += _IN_NEIGHBOUR * value
    return total / whole


def _heading_asks(weight: Mapping[str, float], passage: Passage, unit: Unit) -> float:
    """Return how much the heading above a unit is the question itself; less, further below it."""
    headings = [unit.heading] if unit.heading else list(passage.heading_path[-1:])
    if passage.ordinal == 0 and not unit.heading:
        headings.append(passage.title)
    best = max((likeness(weight, term_set(heading)) for heading in headings), default=0.0)
    return best / (1 + _HEADING_DECAY * unit.place)


def _choose(scored: Sequence[_Scored], limit: int) -> list[Quote]:
    order = sorted(range(len(scored)), key=lambda at: (-scored[at].score, at))
    if not order:
        return []
    best = scored[order[0]]
    first = _grown(best, scored, BLOCK_CHARACTERS)
    chosen, held = [first], [best.terms]
    passage_of = {best.passage.document_id: best.passage.chunk_id}
    room = limit - (first.end - first.start) - _GAP
    for at in order[1:]:
        each = scored[at]
        if each.score < best.score * _least_share(each, best) or _said_already(each.terms, held):
            continue
        if passage_of.get(each.passage.document_id, each.passage.chunk_id) != each.passage.chunk_id:
            continue
        quote = _added(each, scored, chosen, room)
        if quote is None:
            continue
        passage_of[each.passage.document_id] = each.passage.chunk_id
        chosen.append(quote)
        held.append(each.terms)
        room -= quote.end - quote.start + _GAP
    return chosen


def _added(each: _Scored, scored: Sequence[_Scored], chosen: Sequence[Quote], room: int) -> Quote | None:
    """Return what to add to an answer for a unit: itself or its list; None where neither reads well or fits."""
    if each.announces or not each.terms:
        return None
    quote = _grown(each, scored, room) if each.unit.kind is Kind.ITEM else each.quote
    if each.unit.kind is Kind.ITEM and quote.start == each.unit.start and not _stands_alone(each):
        return None
    if quote.end - quote.start > room or any(_overlaps(quote, other) for other in chosen):
        return None
    if _DANGLES.match(quote.text) and not _follows(quote, chosen):
        return None
    return quote


def _stands_alone(item: _Scored) -> bool:
    """Tell whether an item of a list says something without the others: a sentence, and no step of several."""
    line = item.passage.text.rfind("\n", 0, item.unit.start) + 1
    step = item.passage.text[line : item.unit.start].strip()[:1].isdigit()
    return not step and item.text.rstrip("*_)\"' ").endswith((".", "!"))


def _overlaps(one: Quote, other: Quote) -> bool:
    return one.passage is other.passage and one.start < other.end and other.start < one.end


def _follows(quote: Quote, chosen: Sequence[Quote]) -> bool:
    return any(
        other.passage is quote.passage
        and other.end <= quote.start
        and not other.passage.text[other.end : quote.start].strip()
        for other in chosen
    )


def _least_share(each: _Scored, best: _Scored) -> float:
    if each.unit.kind in _BLOCKS:
        return _BLOCK_WORTH_ADDING
    if each.passage.document_id != best.passage.document_id:
        return _OTHER_WORTH_ADDING
    same = each.passage is best.passage and each.unit.heading == best.unit.heading
    return _WORTH_ADDING if same else _SECTION_WORTH_ADDING


def _said_already(one: frozenset[str], others: Sequence[frozenset[str]]) -> bool:
    return any(len(one & other) > _SAME * len(one | other) for other in others)


def _grown(best: _Scored, scored: Sequence[_Scored], room: int) -> Quote:
    """Return a unit with what it can't be without: its list, what it announces, more than "No."."""
    passage = best.passage
    own = [each for each in scored if each.passage is passage]
    index = own.index(best)
    if best.unit.kind is Kind.ITEM or best.announces:
        block = own[min(index + best.announces, len(own) - 1)].unit.block
        inside = [each for each in own if each.unit.block == block]
        before = own.index(inside[0]) - 1
        if before >= 0 and own[before].announces:
            inside.insert(0, own[before])
        whole = _whole_block(passage, inside, best, room)
        if whole is not None:
            return whole
    if best.unit.end - best.unit.start < _BARE and index + 1 < len(own):
        following = own[index + 1].unit
        if following.block == best.unit.block and following.end - best.unit.start <= room:
            return Quote(passage, best.unit.start, following.end, (best.unit.start, following.start))
    return best.quote


def _whole_block(passage: Passage, inside: Sequence[_Scored], best: _Scored, room: int) -> Quote | None:
    """Return a block with what leads into it, or as much of it as fits where it begins with `best`."""
    start = inside[0].unit.start
    if inside[0].unit.kind is Kind.ITEM:
        line = passage.text.rfind("\n", 0, start) + 1
        start -= len(passage.text[line:start].lstrip())
    fitting = [each.unit for each in inside if each.unit.end - start <= room]
    if len(fitting) < 2 or (len(fitting) < len(inside) and best is not inside[0]):
        return None
    breaks = (start, *(unit.start for unit in fitting[1:]))
    return Quote(passage, start, fitting[-1].end, breaks, fitting[-1].kind in _BLOCKS)


def _cut(text: str, start: int, end: int) -> int:
    """Return where to end so that a run-on sentence or a long table still fits an excerpt."""
    if end - start <= BLOCK_CHARACTERS:
        return end
    most = start + BLOCK_CHARACTERS
    at = max(text.rfind("\n", start, most), text.rfind(" ", start, most))
    return start + len(text[start:at].rstrip()) if at > start else most


def _joined(chosen: Sequence[Quote]) -> list[Quote]:
    """Return quotes in the order to read them: by passage, the best one's first; neighbours as one quote."""
    by_passage: dict[str, list[Quote]] = {}
    for each in chosen:
        by_passage.setdefault(each.passage.chunk_id, []).append(each)
    found: list[Quote] = []
    for group in by_passage.values():
        group.sort(key=lambda each: each.start)
        merged = [group[0]]
        for each in group[1:]:
            last = merged[-1]
            gap = each.passage.text[last.end : each.start]
            if len(gap) <= _GAP and _BETWEEN.fullmatch(gap):
                merged[-1] = Quote(last.passage, last.start, each.end, last.breaks + each.breaks, each.block)
            else:
                merged.append(each)
        found.extend(merged)
    return found
