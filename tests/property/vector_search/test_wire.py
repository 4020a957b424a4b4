"""Answers that are put together of encoded parts are what protobuf would have made."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.vector_search.api import wire
from services.vector_search.domain.passages import Passage
from services.vector_search.domain.search import SearchResult
from services.vector_search.domain.vectors import FloatVector

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
    kind=st.sampled_from(["passage", "answer", ""]),
)
numbers = st.integers(0, 2**31 - 1)
units = st.builds(
    pb.Unit, start=numbers, end=numbers, kind=texts, block=numbers, heading=texts, place=numbers
)
scores = st.floats(-1.0, 1.0, allow_nan=False) | st.just(0.0)
cosines = st.floats(-1.0, 1.0, width=32) | st.just(0.0)


class Found(NamedTuple):
    """A hit in parts."""

    passage: Passage
    score: float
    dense: float
    lexical: float
    # Each with its cosine.
    units: list[tuple[pb.Unit, float]]


class Answer(NamedTuple):
    """What is told of hits: units if they were asked for, cosines if there was a vector."""

    hits: list[Found]
    revision: int
    generation: int
    with_units: bool
    with_cosines: bool

    def result(self) -> SearchResult:
        """Return it as the index does, passages encoded."""
        return SearchResult(
            revision=self.revision,
            passages=[wire.passage(each.passage) for each in self.hits],
            scores=[each.score for each in self.hits],
            dense=[each.dense for each in self.hits],
            lexical=[each.lexical for each in self.hits],
            units=[_encoded(each) for each in self.hits] if self.with_units else (),
            unit_cosines=[_cosines(each) for each in self.hits] if self._with_cosines else (),
            generation=self.generation,
        )

    def message(self) -> pb.SearchResponse:
        """Return it as protobuf itself makes it."""
        return pb.SearchResponse(
            hits=map(self._hit, self.hits), revision=self.revision, generation=self.generation
        )

    @property
    def _with_cosines(self) -> bool:
        return self.with_units and self.with_cosines

    def _hit(self, found: Found) -> pb.Hit:
        passage = found.passage
        return pb.Hit(
            chunk_id=passage.chunk_id,
            document_id=passage.document_id,
            title=passage.title,
            url=passage.url,
            heading_path=passage.heading_path,
            text=passage.text,
            ordinal=passage.ordinal,
            kind=passage.kind,
            score=found.score,
            dense=found.dense,
            lexical=found.lexical,
            units=[unit for unit, _ in found.units] if self.with_units else (),
            unit_cosines=[cosine for _, cosine in found.units] if self._with_cosines else (),
        )


def _encoded(found: Found) -> bytes:
    return pb.Hit(units=[unit for unit, _ in found.units]).SerializeToString()


def _cosines(found: Found) -> FloatVector:
    return np.array([cosine for _, cosine in found.units], dtype=np.float32)


# Up to so many that a hit's cosines alone take a length of two bytes.
numbers_of_units = st.lists(st.tuples(units, cosines), max_size=3) | st.just([(pb.Unit(end=1), 0.5)] * 40)
hits = st.builds(Found, passages, scores, scores, st.floats(0, 1e6), numbers_of_units)
answers = st.builds(
    Answer,
    st.lists(hits, max_size=4),
    st.integers(0, 2**62),
    st.integers(0, 2**31 - 1),
    with_units=st.booleans(),
    with_cosines=st.booleans(),
)


@given(answers)
def test_an_answer_is_what_protobuf_makes(answer: Answer) -> None:
    """Every field arrives, scores of 0 and long texts included."""
    assert pb.SearchResponse.FromString(wire.search_response(answer.result())) == answer.message()


@given(answers)
def test_an_answer_is_as_long_as_what_protobuf_makes(answer: Answer) -> None:
    """Nothing is sent twice and nothing that was not asked for, but that scores of 0 are told."""
    message = answer.message()
    zeros = sum(score == 0 for hit in message.hits for score in (hit.score, hit.dense, hit.lexical))
    sent = wire.search_response(answer.result())
    again = pb.SearchResponse.FromString(sent).SerializeToString()
    assert again == message.SerializeToString()
    # A length of a hit may take a byte more with its zeros, and a revision or a generation of 0 is told too.
    assert len(sent) - len(again) <= 9 * zeros + len(message.hits) + 4


@given(st.lists(answers, max_size=3))
def test_answers_of_a_batch_are_what_protobuf_makes(several: Sequence[Answer]) -> None:
    """One answer each, in order, empty ones included."""
    raw = wire.batch_search_response([each.result() for each in several])
    assert pb.BatchSearchResponse.FromString(raw) == pb.BatchSearchResponse(
        responses=[each.message() for each in several]
    )
