"""Quotes made into an answer: its text with markers, its citations, its sources."""

from collections.abc import Sequence
from itertools import pairwise

from services.query.domain.answer import Citation, Draft, Piece, Source
from services.query.domain.extraction.quote import Quote
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import Candidate

EXCERPT_CHARACTERS = 600
_JOINT = " … "


def compose(quotes: Sequence[Quote], candidates: Sequence[Candidate]) -> Draft:
    """
    Return the answer that the quotes make, with one source per candidate, in the candidates' order.

    `[n]` follows each quote and names its source; the citation is the quote without the marker, without the
    dots of a sentence that goes on, and without the head of a table of which it is some rows. Each quote's
    document is one of the candidates.
    """
    sources = _sources(quotes, candidates)
    number = {source.chunk_id: source.index for source in sources}
    pieces: list[Piece] = []
    at = 0
    for position, quote in enumerate(quotes):
        separator = "" if position == 0 else _separator(quotes[position - 1], quote)
        separator += f"{quote.head}\n" if quote.head else ""
        marker = " …" if quote.cut else ""
        marker += f"{chr(10) if quote.block else ' '}[{number[quote.passage.chunk_id]}]"
        start = at + len(separator)
        end = start + len(quote.text)
        for piece in _pieces(quote, separator, marker, Citation(start, end, number[quote.passage.chunk_id])):
            pieces.append(piece)
        at = end + len(marker)
    return Draft(tuple(pieces), sources)


def nearest(candidates: Sequence[Candidate]) -> tuple[Source, ...]:
    """Return the candidates as sources of which nothing is quoted."""
    return _sources((), candidates)


def excerpt(text: str, spans: Sequence[tuple[int, int]] = ()) -> str:
    """
    Return at most 600 characters of a passage that hold every span whole, word for word.

    The spans together, with four characters for each, must not be longer than that.
    """
    if not spans:
        return _widened(text, 0, 0)
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    if last - first <= EXCERPT_CHARACTERS:
        return _widened(text, first, last)
    return _JOINT.join(text[start:end] for start, end in sorted(spans))


def _pieces(quote: Quote, separator: str, marker: str, citation: Citation) -> list[Piece]:
    edges = [*quote.breaks, quote.end]
    texts = [quote.passage.text[one:other] for one, other in pairwise(edges)]
    texts[0] = separator + texts[0]
    return [*(Piece(text) for text in texts[:-1]), Piece(texts[-1] + marker, (citation,))]


def _separator(before: Quote, quote: Quote) -> str:
    apart = (
        before.block or quote.block or before.passage is not quote.passage or "\n" in before.text + quote.text
    )
    return "\n\n" if apart else " "


def _sources(quotes: Sequence[Quote], candidates: Sequence[Candidate]) -> tuple[Source, ...]:
    quoted: dict[str, Passage] = {quote.passage.document_id: quote.passage for quote in quotes}
    sources = []
    for index, candidate in enumerate(candidates, start=1):
        best = candidate.passages[0]
        passage = quoted.get(best.document_id, best)
        spans = [(quote.start, quote.end) for quote in quotes if quote.passage.chunk_id == passage.chunk_id]
        sources.append(
            Source(
                index=index,
                document_id=passage.document_id,
                chunk_id=passage.chunk_id,
                title=passage.title,
                url=passage.url,
                excerpt=excerpt(passage.text, spans),
                score=round(candidate.passages[0].shown_score, 4),
            )
        )
    return tuple(sources)


def _widened(text: str, first: int, last: int) -> str:
    """Return the text around a span: from the beginning if that fits, else from a word shortly before it."""
    if last <= EXCERPT_CHARACTERS:
        start = 0
    else:
        start = max(0, last - EXCERPT_CHARACTERS, first - (EXCERPT_CHARACTERS - (last - first)) // 3)
        space = text.find(" ", start, first)
        start = space + 1 if space >= 0 else first if start else 0
    end = min(len(text), start + EXCERPT_CHARACTERS)
    if end < len(text):
        space = max(text.rfind(" ", last, end), text.rfind("\n", last, end))
        end = space if space > last else end
    # White space is cut off outside of the span only: what is quoted stands in the excerpt as it is.
    while start < first and text[start].isspace():
        start += 1
    while end > last and text[end - 1].isspace():
        end -= 1
    return text[start:end]
