"""The extractive answer: the sentences of the best passages that answer, word for word."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.query.domain.extraction.clauses import clause_end
from services.query.domain.extraction.code import within_fences
from services.query.domain.extraction.quote import Quote
from services.query.domain.extraction.scoring import ScoredUnit, scored_units
from services.query.domain.extraction.tables import shortened
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import Candidate
from services.query.domain.units import Kind

ANSWER_CHARACTERS = 400
# A list, a table or code that answers may be longer than a text.
_BLOCK_SHARE = 1.4
# So that a source's excerpt holds all that is quoted of it.
_OF_ONE_PASSAGE = 560

# What a further unit must have to be worth reading, and when enough is said.
_WORTH_ADDING = 0.03
_ENOUGH = 0.95
# The same as shares of the best unit's probability.
_SECTION_WORTH_ADDING = 0.2
_UNWANTED_WORTH_ADDING = 0.1
_OTHER_WORTH_ADDING = 0.1
_BLOCK_WORTH_ADDING = 0.2
_CUT_WORTH_ADDING = 0.05
_SAME = 0.8
_BARE = 24
_LEAST_CUT = 40
_TINIEST = 1e-12

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
class Extract:
    """
    What is quoted, in the order to read it, and the probability that the answer is in it.

    `doubt` is a third of the entropy, in nats, of all units' probabilities.
    """

    quotes: Sequence[Quote]
    support: float
    doubt: float


def extract(
    question: str, candidates: Sequence[Candidate], found: Sequence[Passage], limit: int = ANSWER_CHARACTERS
) -> Extract:
    """
    Return what to quote, in the order to read it, and how likely it is that the answer is in it.

    At most `limit` characters with their markers, one passage per document; only a list, a table or code
    that is the answer may be longer, by two fifths. `candidates` are the documents that may be quoted, best
    first, `found` all passages of the search: what they have in common tells least about the answer. Empty
    where the passages are blank.
    """
    scored = scored_units(question, candidates, found)
    doubt = -sum(each.probability * math.log(max(each.probability, _TINIEST)) for each in scored) / 3
    chosen, support = _choose(scored, limit)
    return Extract(_joined(chosen) if chosen else _beginning(candidates, limit), support, doubt)


def _beginning(candidates: Sequence[Candidate], limit: int) -> list[Quote]:
    """Return the beginning of the best passage that is not blank; for passages without any sentence."""
    for passage in (passage for candidate in candidates for passage in candidate.passages):
        text = passage.text
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        if start < end:
            return [_shortened(Quote(passage, start, end, (start,)), min(_OF_ONE_PASSAGE, limit - _GAP))]
    return []


def _choose(scored: Sequence[ScoredUnit], limit: int) -> tuple[list[Quote], float]:
    """Return quotes, the best first, and the probability that the answer is in them."""
    order = sorted(range(len(scored)), key=lambda at: (-scored[at].probability, at))
    if not order:
        return [], 0.0
    best = scored[order[0]]
    first = _grown(best, scored, limit)
    chosen, held, support = [first], [best.terms], best.probability
    passage_of = {best.passage.document_id: best.passage.chunk_id}
    for at in order[1:]:
        each = scored[at]
        if support >= _ENOUGH:
            break
        if any(quote.passage is each.passage and _holds(quote, each) for quote in chosen):
            support += each.probability
            continue
        if each.probability < _least(each, best) or _said_already(each.terms, held):
            continue
        if passage_of.get(each.passage.document_id, each.passage.chunk_id) != each.passage.chunk_id:
            continue
        quote = _added(each, scored, chosen, _room(each.passage, chosen, limit))
        if quote is None:
            continue
        passage_of[each.passage.document_id] = each.passage.chunk_id
        chosen.append(quote)
        held.append(each.terms)
        support += each.probability
    return chosen, min(1.0, support)


def _holds(quote: Quote, each: ScoredUnit) -> bool:
    return quote.start <= each.unit.start and each.unit.end <= quote.end


def _room(passage: Passage, chosen: Sequence[Quote], limit: int) -> int:
    """Return how many characters of a passage may be added: of the answer, and of the passage's excerpt."""
    taken = sum(quote.length + _GAP for quote in chosen)
    of_passage = sum(quote.length + _GAP for quote in chosen if quote.passage is passage)
    return min(limit - taken, _OF_ONE_PASSAGE - of_passage) - _GAP


def _added(
    each: ScoredUnit, scored: Sequence[ScoredUnit], chosen: Sequence[Quote], room: int
) -> Quote | None:
    """Return a unit or its list to add to an answer; None where neither reads well and fits."""
    if each.announces or not each.terms:
        return None
    quote = _quote(each)
    if each.unit.kind is Kind.ITEM:
        if each.list_wanted:
            quote = _grown(each, scored, room)
        if quote.cut:
            return None
        if quote.start == each.unit.start and not _stands_alone(each):
            return None
    if any(quote.overlaps(other) for other in chosen):
        return None
    before = _before(quote, chosen)
    if _GOES_ON.match(quote.text) and (before is None or before.strip()):
        return None
    if _POINTS_BACK.match(quote.text) and (before is None or "\n\n" in before):
        return None
    if quote.length <= room:
        return quote
    if each.unit.kind is not Kind.SENTENCE or each.probability < _CUT_WORTH_ADDING:
        return None
    end = clause_end(quote.passage.text, quote.start, quote.end, room)
    if end is None or end - quote.start < _LEAST_CUT:
        return None
    return replace(quote, end=end, cut=True)


def _quote(each: ScoredUnit, room: int | None = None) -> Quote:
    """Return a unit, or what of it is not too long."""
    unit, passage = each.unit, each.passage
    most = _OF_ONE_PASSAGE if room is None else room
    whole = Quote(passage, unit.start, unit.end, (unit.start,), unit.kind in _BLOCKS)
    if whole.length <= most:
        return whole
    if unit.kind is Kind.TABLE:
        head, first, last = shortened(each.text, each.weight, most)
        start = unit.start + first
        return Quote(passage, start, unit.start + last, (start,), True, head)
    if unit.kind is Kind.CODE:
        # One fence without the other would make code of the rest of the answer.
        start, end = within_fences(passage.text, unit.start, unit.end)
        whole = replace(whole, start=start, end=end, breaks=(start,))
    return _shortened(whole, most)


def _shortened(quote: Quote, most: int) -> Quote:
    """Return a quote of at most `most` characters, cut where a clause, a line or a word ends."""
    if quote.length <= most:
        return quote
    text, start = quote.passage.text, quote.start
    end = None if quote.block else clause_end(text, start, quote.end, most)
    if end is None or end - start < _LEAST_CUT:
        at = max(text.rfind("\n", start, start + most), text.rfind(" ", start, start + most))
        end = start + len(text[start:at].rstrip()) if at > start else start + most
    return replace(quote, end=end, cut=not quote.block)


def _stands_alone(item: ScoredUnit) -> bool:
    """Tell whether an item says something without its list: a sentence, and no step of several."""
    return not item.is_step and item.text.rstrip("*_)\"' ").endswith((".", "!"))


def _before(quote: Quote, chosen: Sequence[Quote]) -> str | None:
    """Return what lies between a quote and the last before it in its passage; None: there is no such one."""
    ends = [other.end for other in chosen if other.passage is quote.passage and other.end <= quote.start]
    return quote.passage.text[max(ends) : quote.start] if ends else None


def _least(each: ScoredUnit, best: ScoredUnit) -> float:
    """Return the probability from which a unit is worth reading after the best one."""
    share = 0.0
    if each.unit.kind in _BLOCKS:
        share = _BLOCK_WORTH_ADDING
    elif each.passage.document_id != best.passage.document_id:
        share = _OTHER_WORTH_ADDING
    elif each.passage is not best.passage or each.unit.heading != best.unit.heading:
        share = _SECTION_WORTH_ADDING
    elif best.wanted and not each.wanted:
        share = _UNWANTED_WORTH_ADDING
    return max(_WORTH_ADDING, share * best.probability)


def _said_already(one: frozenset[str], others: Sequence[frozenset[str]]) -> bool:
    return any(len(one & other) > _SAME * len(one | other) for other in others)


def _grown(best: ScoredUnit, scored: Sequence[ScoredUnit], limit: int) -> Quote:
    """Return a unit with what it can't be without: its list, what it announces, more than "No."."""
    passage = best.passage
    room = min(_OF_ONE_PASSAGE, round(_BLOCK_SHARE * limit))
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
        if following.block == best.unit.block and following.end - best.unit.start <= limit - _GAP:
            return Quote(passage, best.unit.start, following.end, (best.unit.start, following.start))
    if index and _GOES_ON.match(best.text):
        before = own[index - 1].unit
        if before.block == best.unit.block and best.unit.end - before.start <= limit - _GAP:
            return Quote(passage, before.start, best.unit.end, (before.start, best.unit.start))
    return _quote(best, room if best.unit.kind in _BLOCKS else min(room, limit - _GAP))


def _whole_block(passage: Passage, inside: Sequence[ScoredUnit], best: ScoredUnit, room: int) -> Quote | None:
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
            if not last.cut and len(gap) <= _GAP and _BETWEEN.fullmatch(gap):
                merged[-1] = replace(each, start=last.start, breaks=last.breaks + each.breaks, head=last.head)
            else:
                merged.append(each)
        found.extend(merged)
    return found
