"""The extractive answer: the sentences of the best passages that answer, word for word."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.query.domain import expected
from services.query.domain.blocks import Kind, Unit, units
from services.query.domain.passage import Passage
from services.query.domain.ranking import Candidate
from services.query.domain.tables import judged_by, shortened
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
_UNWANTED_WORTH_ADDING = 0.7
_OTHER_WORTH_ADDING = 0.85
_BLOCK_WORTH_ADDING = 0.8
_SAME = 0.8
_TOO_LITTLE = 0.5
_IS_QUESTION = 0.3
_TINY = 12
_BARE = 24

_BLOCKS = (Kind.TABLE, Kind.CODE)
# A sentence that goes on with the one before it, and one that speaks of what its paragraph named.
_GOES_ON = re.compile(
    r"\W*(?:otherwise|then|also|however|instead|only if|after that|if so|if not|in (?:that|this) case|"
    r"(?:because of|for) (?:that|this))\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(r"\W*(?:they|it|this|these|those|that|he|she|the ones?)\b", re.IGNORECASE)

# Between neighbours that are quoted as one there is white space and at most a bullet.
_GAP = 8
_BETWEEN = re.compile(r"\s*(?:(?:[-*+•]|\d{1,3}[.)])\s+)?")


@dataclass(frozen=True)
class Quote:
    """
    `passage.text[start:end]`.

    `breaks` are the places within it where a sentence or an item begins, its own start first; `block` tells
    that it ends in a table or in code, which what follows must not run into; `head` is the head of the table
    that it is rows of, which stands elsewhere in the passage.
    """

    passage: Passage
    start: int
    end: int
    breaks: tuple[int, ...]
    block: bool = False
    head: str = ""

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
    wanted: bool
    list_wanted: bool
    weight: Mapping[str, float]

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
        """The unit, or what of it is not too long."""
        start, end = self.unit.start, self.unit.end
        if end - start <= BLOCK_CHARACTERS:
            return Quote(self.passage, start, end, (start,), self.unit.kind in _BLOCKS)
        if self.unit.kind is Kind.TABLE:
            head, first, last = shortened(self.text, self.weight, BLOCK_CHARACTERS)
            return Quote(self.passage, start + first, start + last, (start + first,), True, head)
        if self.unit.kind is Kind.CODE:
            # Without its closing fence the rest of the answer would be code, too.
            start += self.text.find("\n") + 1
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
    texts = [_judged_by(passage, unit, weight) for unit in every]
    held = [term_set(text) for text in texts]
    scored = []
    for at, (unit, text) in enumerate(zip(every, texts, strict=True)):
        headings = (passage.title, *passage.heading_path, unit.heading)
        score = _overlap(weight, held, at, term_set(" ".join(headings)))
        score += _HEADING_ASKS * _heading_asks(weight, passage, unit)
        list_wanted = _list_is_wanted(question, passage, unit)
        wanted = list_wanted or bool(fits and fits(text))
        score += _EXPECTED * wanted
        score -= _PASSAGE * (top - passage.score)
        if not held[at] or (len(text) < _TINY and not wanted):
            score -= _TOO_LITTLE
        if text.endswith("?"):
            score -= _IS_QUESTION
        scored.append(_Scored(passage, unit, score, held[at], wanted, list_wanted, weight))
    return scored


def _judged_by(passage: Passage, unit: Unit, weight: Mapping[str, float]) -> str:
    text = passage.text[unit.start : unit.end]
    return judged_by(text, weight) if unit.kind is Kind.TABLE else text


def _list_is_wanted(question: str, passage: Passage, unit: Unit) -> bool:
    if unit.kind is not Kind.ITEM:
        return False
    if _is_step(passage, unit):
        return expected.wants_steps(question)
    return expected.wants_items(question) or expected.wants_steps(question)


def _is_step(passage: Passage, unit: Unit) -> bool:
    line = passage.text.rfind("\n", 0, unit.start) + 1
    return passage.text[line : unit.start].strip()[:1].isdigit()


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
    """Return how much the heading above a unit, alone or with the title, is the question; less, farther."""
    heading = unit.heading or " ".join(passage.heading_path[-1:])
    if not heading and passage.ordinal:
        return 0.0
    asks = (heading, f"{passage.title} {heading}")
    best = max(likeness(weight, term_set(each)) for each in asks)
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
    """Return a unit or its list to add to an answer; None where neither reads well and fits."""
    if each.announces or not each.terms:
        return None
    quote = each.quote
    if each.unit.kind is Kind.ITEM:
        if each.list_wanted:
            quote = _grown(each, scored, room)
        if quote.start == each.unit.start and not _stands_alone(each):
            return None
    if quote.end - quote.start > room or any(_overlaps(quote, other) for other in chosen):
        return None
    before = _before(quote, chosen)
    if _GOES_ON.match(quote.text) and (before is None or before.strip()):
        return None
    if _POINTS_BACK.match(quote.text) and (before is None or "\n\n" in before):
        return None
    return quote


def _stands_alone(item: _Scored) -> bool:
    """Tell whether an item says something without its list: a sentence, and no step of several."""
    return not _is_step(item.passage, item.unit) and item.text.rstrip("*_)\"' ").endswith((".", "!"))


def _overlaps(one: Quote, other: Quote) -> bool:
    return one.passage is other.passage and one.start < other.end and other.start < one.end


def _before(quote: Quote, chosen: Sequence[Quote]) -> str | None:
    """Return what lies between a quote and the last before it in its passage; None: there is no such one."""
    ends = [other.end for other in chosen if other.passage is quote.passage and other.end <= quote.start]
    return quote.passage.text[max(ends) : quote.start] if ends else None


def _least_share(each: _Scored, best: _Scored) -> float:
    if each.unit.kind in _BLOCKS:
        return _BLOCK_WORTH_ADDING
    if each.passage.document_id != best.passage.document_id:
        return _OTHER_WORTH_ADDING
    if each.passage is not best.passage or each.unit.heading != best.unit.heading:
        return _SECTION_WORTH_ADDING
    return _UNWANTED_WORTH_ADDING if best.wanted and not each.wanted else _WORTH_ADDING


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
        lead = own.index(inside[0]) - 1
        if lead >= 0 and own[lead].announces:
            inside.insert(0, own[lead])
        whole = _whole_block(passage, inside, best, room)
        if whole is not None:
            return whole
    if best.unit.end - best.unit.start < _BARE and index + 1 < len(own):
        following = own[index + 1].unit
        if following.block == best.unit.block and following.end - best.unit.start <= room:
            return Quote(passage, best.unit.start, following.end, (best.unit.start, following.start))
    if index and _GOES_ON.match(best.text):
        before = own[index - 1].unit
        if before.block == best.unit.block and best.unit.end - before.start <= room:
            return Quote(passage, before.start, best.unit.end, (before.start, best.unit.start))
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
    """Return where to end so that a run-on sentence or long code still fits an excerpt."""
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
