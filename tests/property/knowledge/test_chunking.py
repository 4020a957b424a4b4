"""Chunking over any document."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.domain.chunking.chunker import Chunker, Limits
from services.knowledge.domain.chunking.passage import chunks
from services.knowledge.domain.document import ContentType, DocumentId
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.extractor import extract

_LIMITS = Limits(minimum=15, target=23, maximum=35)

_WORD = re.compile(r"\w+|[^\w\s]")


def count(text: str) -> int:
    return len(_WORD.findall(text))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


_words = st.lists(st.from_regex(r"[a-z]{1,8}[.:!]?", fullmatch=True), min_size=1, max_size=80)
_prose = _words.map(" ".join)
_blocks = st.lists(
    st.one_of(
        st.builds(Heading, st.integers(1, 6), _words.map(lambda each: " ".join(each[:5]))),
        st.builds(Piece, st.just(Kind.PARAGRAPH), _prose),
        st.builds(Piece, st.just(Kind.LIST_ITEM), _prose.map(lambda text: f"- {text}")),
        st.builds(
            Piece,
            st.just(Kind.TABLE),
            _words.map(lambda each: "\n".join(["| h |", "| --- |", *(f"| {w} |" for w in each)])),
        ),
        st.builds(Piece, st.just(Kind.CODE), _words.map(lambda each: "```\n" + "\n".join(each) + "\n```")),
    ),
    max_size=15,
)


@given(_blocks)
def test_no_word_is_lost_and_order_is_kept(blocks: list[Block]) -> None:
    """All that stood in the pieces stands in the passages, in the same order; only table heads repeat."""
    passages = Chunker(count, _LIMITS).passages(blocks, "Title")
    found = iter([word for each in passages for word in words(each.text)])
    wanted = [word for block in blocks if isinstance(block, Piece) for word in words(block.text)]
    missing = [word for word in wanted if not any(word == other for other in found)]
    assert missing == []


@given(_blocks)
def test_sizes(blocks: list[Block]) -> None:
    """No passage is over the maximum, and two neighbours are never both too small to stand alone."""
    passages = Chunker(count, _LIMITS).passages(blocks, "Title")
    # Fences and the header of a table come on top of what is cut.
    assert all(each.tokens <= _LIMITS.maximum + 20 for each in passages)
    for one, other in pairwise(passages):
        # Joined, they have their headings between them, each with up to six signs.
        headings = sum(count(each) + 6 for each in (*one.heading_path, *other.heading_path))
        together = one.tokens + other.tokens
        assert together > _LIMITS.minimum or together + headings > _LIMITS.maximum


@given(_blocks, st.text(max_size=10))
def test_the_same_document_gives_the_same_ids(blocks: list[Block], title: str) -> None:
    """Ids depend on content alone and are unique."""
    first, second = (
        chunks(DocumentId("doc_1"), title, Chunker(count, _LIMITS).passages(blocks, title), 50)
        for _ in range(2)
    )
    assert first == second
    assert len({each.id for each in first}) == len(first)


@settings(deadline=None)
@given(
    st.text(max_size=2000),
    st.sampled_from([each for each in ContentType if each is not ContentType.CUSTOM_ANSWERS]),
)
def test_any_text_is_read_or_refused(text: str, content_type: ContentType) -> None:
    """No text crashes extraction or chunking, and no control character comes through."""
    try:
        blocks = extract(text.encode("utf-8", "replace"), content_type)
    except IndexingFailed:
        return
    for passage in Chunker(count, _LIMITS).passages(blocks, "Title"):
        assert passage.text.strip()
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", passage.text)
