"""Hybrid search over one workspace."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.kernel.errors import DeadlineExceeded, InvalidArgument
from services.vector_search.domain.changes import Chunk
from services.vector_search.domain.deadline import NEVER, Deadline
from services.vector_search.domain.errors import CollectionClosed
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.search import SearchQuery
from services.vector_search.index.collection import HybridCollection
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import (
    ACME,
    SMALL,
    Hit,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
    hits_of,
)


@pytest.fixture(params=["exact", "hnsw"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return which dense index serves."""
    return str(request.param)


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return a feed with 120 passages in three documents."""
    feed = FakeChangeFeed()
    feed.write(
        ACME,
        documents=[
            a_document("a", tags=("billing",), locale="en"),
            a_document("b", tags=("setup",), locale="de"),
            a_document("c", authenticated=True),
        ],
        chunks=[_passage(n) for n in range(120)],
    )
    return feed


@pytest.fixture
def replica(feed: FakeChangeFeed, tmp_path: Path, kind: str) -> Iterator[ReplicaUnderTest]:
    """Return a replica that is level."""
    settings = SMALL if kind == "hnsw" else replace(SMALL, exact_below=10_000)
    replica = ReplicaUnderTest(feed, tmp_path, settings)
    replica.follow()
    replica.found(ACME, a_question(a_vector(1)))
    replica.workspaces.maintain()
    assert replica.workspaces.status(ACME).dense_index == kind
    yield replica
    replica.stop()


def _passage(number: int) -> Chunk:
    word = ("invoice", "router", "password")[number % 3]
    return a_chunk(f"{number:03}", "abc"[number % 3], seed=number, text=f"{word} number{number}")


def hits(replica: ReplicaUnderTest, query: SearchQuery) -> list[Hit]:
    """Return the hits of a search."""
    return hits_of(replica.replica.search(ACME, query, None))


def names(found: list[Hit]) -> list[str]:
    """Return the numbers of the passages that were found."""
    return [hit.passage.chunk_id.removeprefix("chunk_") for hit in found]


def test_meaning_alone(replica: ReplicaUnderTest) -> None:
    """The passage whose vector was asked for comes first, with its cosine as its score."""
    first, *_ = hits(replica, a_question(a_vector(33), limit=5))
    assert first.passage.chunk_id == "chunk_033"
    assert first.score == pytest.approx(1, abs=1e-6)
    assert first.dense == pytest.approx(1, abs=1e-6)
    assert first.lexical == 0


def test_no_cosine_is_above_one(replica: ReplicaUnderTest) -> None:
    """Sums of rounded numbers are, by a little; what is answered is not."""
    for number in range(120):
        (first,) = hits(replica, a_question(a_vector(number), limit=1, exact=True))
        assert first.dense <= 1


def test_words_alone(replica: ReplicaUnderTest) -> None:
    """Only passages that share a word are found; the best scores 1, and no cosine is made up."""
    found = hits(replica, a_question(text="invoice number33", limit=200))
    assert names(found)[0] == "033"
    assert len(found) == 40
    assert (found[0].score, found[0].dense) == (1.0, 0.0)
    assert all(hit.lexical > 0 for hit in found)


def test_both_scores_of_every_hit(replica: ReplicaUnderTest) -> None:
    """A hit that only one side found has the other's score too."""
    query = a_question(a_vector(33), "number7", limit=200, wanted=Filter(include_authenticated=True))
    found = {hit.passage.chunk_id: hit for hit in hits(replica, query)}
    by_words, by_meaning = found["chunk_007"], found["chunk_033"]
    assert by_words.dense == pytest.approx(float(a_vector(33) @ a_vector(7)), abs=1e-5)
    assert by_words.lexical > 0
    assert by_meaning.lexical == 0
    assert by_words.score == pytest.approx(max(0, 0.7 * by_words.dense + 0.3), abs=1e-6)


def test_words_beyond_the_first_candidates_still_count(replica: ReplicaUnderTest) -> None:
    """A near passage gets its BM25 score also when more than the candidates share a word."""
    query = a_question(a_vector(100), "invoice router password", limit=10)
    found = hits(replica, query)
    assert names(found)[0] == "100"
    assert all(hit.lexical > 0 for hit in found)


def test_scores_descend_and_are_never_negative(replica: ReplicaUnderTest) -> None:
    """Even the opposite of every passage scores at least 0."""
    scores = [hit.score for hit in hits(replica, a_question(-a_vector(33), "number7", limit=200))]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= min(scores) <= max(scores) <= 1


@pytest.mark.parametrize(
    ("wanted", "documents"),
    [
        (Filter(), "ab"),
        (Filter(include_authenticated=True), "abc"),
        (Filter(any_tags=frozenset({"billing"})), "a"),
        (Filter(any_tags=frozenset({"billing", "setup"})), "ab"),
        (Filter(all_tags=frozenset({"billing"})), "a"),
        (Filter(all_tags=frozenset({"billing", "setup"})), ""),
        (Filter(all_tags=frozenset({"nowhere"})), ""),
        (Filter(locale="en"), "a"),
        (Filter(locale="en", include_authenticated=True), "ac"),
        (Filter(document_ids=frozenset({"doc_b", "doc_c"})), "b"),
        (Filter(document_ids=frozenset({"doc_nowhere"})), ""),
    ],
)
def test_filters_hold_on_both_sides(replica: ReplicaUnderTest, wanted: Filter, documents: str) -> None:
    """Every allowed passage is found and no other, by meaning, by words and by both."""
    words = "invoice router password"
    expected = {f"{n:03}" for n in range(120) if "abc"[n % 3] in documents}
    for vector, text in ((a_vector(5), ""), (None, words), (a_vector(5), words)):
        found = names(hits(replica, a_question(vector, text, limit=200, wanted=wanted)))
        assert (set(found), len(found)) == (expected, len(expected))


def test_a_batch_answers_as_single_questions(replica: ReplicaUnderTest) -> None:
    """Whatever is mixed in a batch, each question gets its own answer, in its place."""
    kinds: list[dict[str, object]] = [
        {},
        {"text": "invoice number7"},
        {"text": "router", "limit": 3},
        {"wanted": Filter(any_tags=frozenset({"setup"}))},
        {"exact": True, "text": "password"},
        {"limit": 200, "wanted": Filter(include_authenticated=True)},
    ]
    queries = [a_question(a_vector(seed), **kinds[seed % 6]) for seed in range(90)]  # type: ignore[arg-type]
    queries.append(a_question(text="number33"))
    together = replica.replica.search_each(ACME, queries, None)
    assert [hits_of(each) for each in together] == [hits(replica, each) for each in queries]


def test_a_batch_ends_with_its_caller_s_time(replica: ReplicaUnderTest) -> None:
    """What nobody waits for any more is not searched."""
    collection = replica.collection(ACME)
    assert collection is not None
    with pytest.raises(DeadlineExceeded):
        collection.search_each([a_question(a_vector(1))], Deadline.after(0))


def test_a_patch_changes_what_is_found_at_once(replica: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """Attributes are the document's: no passage is sent again."""
    router = a_question(a_vector(4), limit=1)
    assert [hit.passage.title for hit in hits(replica, router)] == ["About b"]
    feed.write(ACME, documents=[a_document("a", active=False), a_document("b", title="Zebra crossing")])
    replica.follow()
    assert [hit.passage.title for hit in hits(replica, router)] == ["Zebra crossing"]
    found = hits(replica, a_question(a_vector(5), limit=200))
    assert {hit.passage.document_id for hit in found} == {"doc_b"}
    assert {hit.passage.title for hit in found} == {"Zebra crossing"}
    assert len(hits(replica, a_question(text="zebra", limit=200))) == 40


def test_a_changed_passage_is_found_by_its_new_self(replica: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """The old vector and the old words find it no more."""
    feed.write(ACME, chunks=[a_chunk("033", "a", seed=999, text="giraffe")])
    replica.follow()
    assert names(hits(replica, a_question(a_vector(999), limit=1))) == ["033"]
    assert names(hits(replica, a_question(text="giraffe"))) == ["033"]
    assert hits(replica, a_question(text="number33")) == []


def test_new_and_gone_passages_count_at_once(replica: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """Between two rounds of maintenance nothing is missing and nothing lingers."""
    nearest = names(hits(replica, a_question(a_vector(5), limit=20)))
    feed.write(
        ACME,
        deleted_chunks=[f"chunk_{name}" for name in nearest],
        chunks=[a_chunk("new", "a", seed=5, text="number5")],
    )
    replica.follow()
    found = names(hits(replica, a_question(a_vector(5), limit=60)))
    assert found[0] == "new"
    assert len(found) == 60
    assert not set(found) & set(nearest)


def test_maintenance_changes_no_answer(replica: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """Merging, compacting and rebuilding find the same passages as before."""
    feed.write(ACME, deleted_chunks=[f"chunk_{n:03}" for n in range(0, 120, 2)])
    feed.write(ACME, chunks=[a_chunk(f"n{n}", "a", seed=500 + n, text=f"number{500 + n}") for n in range(30)])
    replica.follow()
    before = [names(hits(replica, a_question(a_vector(s), limit=10, exact=True))) for s in range(20)]
    replica.workspaces.maintain()
    for seed in range(20):
        assert names(hits(replica, a_question(a_vector(seed), limit=10, exact=True))) == before[seed]
        near = names(hits(replica, a_question(a_vector(seed), limit=10)))
        assert len(set(near) & set(before[seed])) >= 9


def test_exact_gives_the_same_after_any_history(
    replica: ReplicaUnderTest, feed: FakeChangeFeed, tmp_path: Path
) -> None:
    """The same revision gives the same answer, scores included, to a replica that came another way."""
    feed.write(ACME, deleted_chunks=[f"chunk_{n:03}" for n in range(0, 120, 5)])
    replica.follow()
    feed.write(ACME, chunks=[a_chunk(f"{n:03}", "b", seed=n, text="router") for n in range(1, 40, 5)])
    replica.follow()
    fresh = ReplicaUnderTest(feed, tmp_path / "fresh", SMALL)
    fresh.follow()
    for seed in range(20):
        query = a_question(a_vector(seed), "router password number7", limit=50, exact=True)
        assert hits(fresh, query) == hits(replica, query)
    fresh.stop()


def test_equal_passages_are_in_order_of_their_ids(replica: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """Ties do not depend on where or when a passage was stored, also at the cut."""
    same = [a_chunk(name, "a", seed=777, text="same") for name in ("q", "m", "z", "d", "k")]
    feed.write(ACME, chunks=same)
    replica.follow()
    found = names(hits(replica, a_question(a_vector(777), "same", limit=3, exact=True)))
    assert found == ["d", "k", "m"]


def test_another_dimension_is_refused(replica: ReplicaUnderTest) -> None:
    """A vector of another model's length is no question to this workspace."""
    with pytest.raises(InvalidArgument):
        hits(replica, a_question(a_vector(1, dimensions=9)))


def test_restart_answers_the_same(replica: ReplicaUnderTest) -> None:
    """From its file, and its snapshot where it has one, a replica is what it was."""
    query = a_question(a_vector(5), "router number7", limit=50)
    before, status = hits(replica, query), replica.workspaces.status(ACME)
    replica.stop()
    replica.start()
    replica.follow()
    assert hits(replica, query) == before
    assert replica.workspaces.status(ACME) == status


def test_a_closed_collection_says_so(replica: ReplicaUnderTest) -> None:
    """Memory that was given back never answers."""
    collection = replica.collection(ACME)
    assert isinstance(collection, HybridCollection)
    replica.workspaces._workspaces[ACME].generation(1).unload()
    with pytest.raises(CollectionClosed):
        collection.search_each([a_question(a_vector(1))], NEVER)
    assert len(hits(replica, a_question(a_vector(1)))) == 10


def test_memory_is_counted(replica: ReplicaUnderTest) -> None:
    """What a collection says it takes covers at least its vectors."""
    collection = replica.collection(ACME)
    assert collection is not None
    assert collection.memory_bytes >= 120 * 8 * np.dtype(np.float32).itemsize


def test_questions_are_remembered_where_there_is_a_graph(replica: ReplicaUnderTest, kind: str) -> None:
    """Its effort is chosen for what people ask."""
    collection = replica.collection(ACME)
    assert collection is not None
    before = collection.memory_bytes
    replica.found(ACME, a_question(a_vector(1)))
    assert (collection.memory_bytes > before) is (kind == "hnsw")
