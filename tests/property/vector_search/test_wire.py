"""Answers that are put together of encoded parts are what protobuf would have made."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.vector_search.api import wire
from services.vector_search.domain.passages import Passage
from services.vector_search.domain.search import SearchResult
from tests.fakes.vector_search_data import Hit, hits_of

# Long ones too, so that lengths take one, two and three bytes.
texts = st.one_of(st.text(max_size=20), st.sampled_from(["", "ü" * 70, "x" * 200, "y" * 20_000]))
passages = st.builds(
    Passage,
    chunk_id=texts,
    document_id=texts,
    title=texts,
    url=texts,
    heading_path=st.lists(texts, max_size=3).map(tuple),
    text=texts,
    ordinal=st.integers(0, 2**31 - 1),
)
scores = st.floats(-1.0, 1.0, allow_nan=False) | st.just(0.0)
hits = st.builds(Hit, passages, scores, scores, st.floats(0, 1e6))


def result_of(hits: list[Hit], revision: int) -> SearchResult:
    """Return a result of hits."""
    return SearchResult(revision, *zip(*hits, strict=True)) if hits else SearchResult(revision)


results = st.builds(result_of, st.lists(hits, max_size=4), st.integers(0, 2**62))


def encoded(result: SearchResult) -> SearchResult:
    """Return the result with its passages encoded."""
    return replace(result, passages=[wire.passage(each) for each in result.passages])


def message(result: SearchResult) -> pb.SearchResponse:
    """Return the answer as protobuf itself makes it."""
    return pb.SearchResponse(
        hits=[
            pb.Hit(
                chunk_id=each.passage.chunk_id,
                document_id=each.passage.document_id,
                title=each.passage.title,
                url=each.passage.url,
                heading_path=each.passage.heading_path,
                text=each.passage.text,
                ordinal=each.passage.ordinal,
                score=each.score,
                dense=each.dense,
                lexical=each.lexical,
            )
            for each in hits_of(result)
        ],
        revision=result.revision,
    )


@given(results)
def test_an_answer_is_what_protobuf_makes(result: SearchResult) -> None:
    """Every field arrives, scores of 0 and long texts included."""
    assert pb.SearchResponse.FromString(wire.search_response(encoded(result))) == message(result)


@given(st.lists(results, max_size=3))
def test_answers_of_a_batch_are_what_protobuf_makes(several: list[SearchResult]) -> None:
    """One answer each, in order, empty ones included."""
    raw = wire.batch_search_response([encoded(each) for each in several])
    assert pb.BatchSearchResponse.FromString(raw) == pb.BatchSearchResponse(
        responses=[message(each) for each in several]
    )
