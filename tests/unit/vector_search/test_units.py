"""Units and their cosines, from the feed to the answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.search import SearchQuery
from services.vector_search.index.unit_cosines import unit_cosines
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.saved_replica import a_feed, edit_file, maintain
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    Hit,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
    hits_of,
    some_units,
)

VECTOR = a_vector(5)


def asked(replica: ReplicaUnderTest, query: SearchQuery, workspace_id: WorkspaceId = ACME) -> list[Hit]:
    """Return what a question finds."""
    return hits_of(replica.replica.search(workspace_id, query, None))


def with_units(replica: ReplicaUnderTest, text: str = "", limit: int = 200, **more: object) -> list[Hit]:
    """Return what is found with units."""
    return asked(replica, a_question(VECTOR, text, limit, with_units=True, **more))


def units_of(hits: list[Hit]) -> dict[str, bytes]:
    """Return the units of each passage."""
    return {hit.passage.chunk_id: hit.units for hit in hits}


def written(**changes: bytes) -> dict[str, bytes]:
    """Return the units of the 120 passages as they were written, with changes."""
    return {f"chunk_{n:03}": some_units(n, n % 7).encoded for n in range(120)} | changes


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica of a feed in which nothing was written."""
    replica = ReplicaUnderTest(FakeChangeFeed(), tmp_path / "bare")
    yield replica
    replica.stop()


def test_each_hit_has_its_own(replica: ReplicaUnderTest) -> None:
    """As many cosines as units, each of the unit's own vector."""
    hits = with_units(replica)
    assert units_of(hits) == written()
    for hit in hits:
        seed = int(hit.passage.chunk_id[-3:])
        (expected,) = unit_cosines(VECTOR, [some_units(seed, seed % 7)])
        assert hit.unit_cosines == tuple(expected.tolist())


@pytest.mark.parametrize("text", ["", "router number7"])
@pytest.mark.parametrize("exact", [False, True])
def test_they_change_nothing_else(replica: ReplicaUnderTest, text: str, exact: bool) -> None:
    """The same hits with the same scores in the same order, which have none where they weren't asked for."""
    plain = asked(replica, a_question(VECTOR, text, 24, exact=exact))
    assert [(hit.units, hit.unit_cosines) for hit in plain] == [(b"", ())] * 24
    rich = with_units(replica, text, 24, exact=exact)
    assert [replace_units(hit) for hit in rich] == plain


def replace_units(hit: Hit) -> Hit:
    """Return a hit as one without units."""
    return hit._replace(units=b"", unit_cosines=())


def test_without_a_vector_there_are_no_cosines(replica: ReplicaUnderTest) -> None:
    """A question of words alone still gets the units."""
    hits = asked(replica, a_question(text="router", limit=50, with_units=True))
    assert len(hits) == 40
    assert all(hit.unit_cosines == () for hit in hits)
    assert units_of(hits).items() <= written().items()


def test_in_a_batch_each_question_gets_what_it_asks_for(replica: ReplicaUnderTest) -> None:
    """The cosines are those of its own vector, and who wants no units gets none."""
    questions = [
        a_question(a_vector(n), "" if n % 3 else "invoice", 10 + n, with_units=n % 2 == 0, exact=n == 4)
        for n in range(6)
    ] + [
        a_question(text="router", limit=5, with_units=True),
        a_question(text="nowhere", limit=5, with_units=True),
    ]
    together = replica.replica.search_each(ACME, questions, None)
    assert [hits_of(each) for each in together] == [asked(replica, each) for each in questions]
    assert [bool(each.units) for each in together] == [True, False, True, False, True, False, True, False]


def test_a_filter_leaves_them_alone(replica: ReplicaUnderTest) -> None:
    """What may be found has the units that it always has."""
    hits = with_units(replica, wanted=Filter(document_ids=frozenset({"doc_b"})))
    assert units_of(hits) == {name: units for name, units in written().items() if int(name[-3:]) % 3 == 1}


def test_new_units_alone_are_told(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """A passage whose text stayed brings the units of the new revision, also if there are none any more."""
    with_units(replica)
    for seed, count in ((900, 3), (901, 0), (902, 6)):
        fresh = some_units(seed, count)
        chunk = replace(a_chunk("006", "a", seed=6, text="invoice number6"), units=fresh)
        revision = feed.write(ACME, chunks=[chunk])
        replica.follow()
        hits = with_units(replica, min_revision=revision)
        assert units_of(hits) == written(chunk_006=fresh.encoded)
        assert [len(hit.unit_cosines) for hit in hits if hit.passage.chunk_id == "chunk_006"] == [count]


def test_the_kind_travels_with_every_hit(bare: ReplicaUnderTest) -> None:
    """Custom answers are told apart, with units and without, and found by their words."""
    chunks = [a_chunk("a", "x", text="router", kind="answer"), a_chunk("b", "x", text="router")]
    bare.feed.write(ACME, documents=[a_document("x")], chunks=chunks)
    bare.follow()
    for asks in (False, True):
        for vector in (None, VECTOR):
            hits = asked(bare, a_question(vector, "router", with_units=asks))
            kinds = {hit.passage.chunk_id: hit.passage.kind for hit in hits}
            assert kinds == {"chunk_a": "answer", "chunk_b": "passage"}


@pytest.mark.parametrize("prepared", [False, True])
def test_a_restart_keeps_them(replica: ReplicaUnderTest, prepared: bool) -> None:
    """They come from the file, with a snapshot of the index as without one, and nothing is asked anew."""
    before = with_units(replica, "number7", exact=True)
    if not prepared:
        for snapshot in replica.folder.glob("workspaces/*/*.index/manifest.json"):
            snapshot.unlink()
    replica.stop()
    replica.start()
    replica.feed.calls.clear()
    replica.follow()
    assert "changes" not in replica.feed.calls
    assert with_units(replica, "number7", exact=True) == before


def test_a_file_of_the_format_without_units_is_rebuilt(
    feed: FakeChangeFeed, replica: ReplicaUnderTest
) -> None:
    """It is dropped at the start, and everything comes from the feed again."""
    replica.stop()
    old = edit_file(
        replica,
        "DROP TABLE units",
        "ALTER TABLE chunks DROP COLUMN kind",
        "PRAGMA user_version = 2",
    )
    replica.start()
    assert not old.exists()
    replica.follow()
    assert units_of(with_units(replica)) == written()


def test_damaged_units_cost_no_wrong_answer(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Who doesn't want them is served; who does has the file rebuilt from the feed."""
    replica.stop()
    edit_file(replica, "UPDATE units SET vectors = zeroblob(length(vectors)) WHERE slot = 7")
    replica.start()
    replica.follow()
    assert len(asked(replica, a_question(VECTOR, limit=200))) == 120
    with pytest.raises(Exception, match="being rebuilt"):
        with_units(replica)
    replica.follow()
    assert units_of(with_units(replica)) == written()


def test_a_workspace_that_was_put_out_of_memory_has_them_again(tmp_path: Path) -> None:
    """Two that don't fit together take turns; each answers with its own units."""
    feed = a_feed()
    feed.write(
        GLOBEX, documents=[a_document("g")], chunks=[a_chunk(f"g{n}", "g", seed=200 + n) for n in range(120)]
    )
    replica = ReplicaUnderTest(feed, tmp_path / "replica", memory_bytes=1)
    replica.follow()
    question = a_question(VECTOR, limit=200, with_units=True)
    theirs = {f"chunk_g{n}": some_units(200 + n, (200 + n) % 7).encoded for n in range(120)}
    for _ in range(3):
        assert units_of(asked(replica, question)) == written()
        assert units_of(asked(replica, question, GLOBEX)) == theirs
        loaded = [each.id.workspace_id for each, _ in replica.workspaces._loaded.all()]
        assert loaded == [GLOBEX]
    replica.stop()


def test_the_same_revision_gives_the_same_bytes(feed: FakeChangeFeed, replica: ReplicaUnderTest) -> None:
    """Whatever the replica's history: another one that just read the feed says the same to the last bit."""
    for n in range(0, 120, 2):
        feed.write(ACME, chunks=[a_chunk(f"{n:03}", "b", seed=n, text=f"replaced number{n}")])
    replica.follow()
    maintain(replica)
    fresh = ReplicaUnderTest(feed, replica.folder.parent / "fresh")
    fresh.follow()
    for seed in range(10):
        question = a_question(a_vector(seed), "number7", 50, exact=True, with_units=True)
        assert asked(replica, question) == asked(fresh, question)
    fresh.stop()
