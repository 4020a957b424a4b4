"""The change feed's adapter."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from services.runtime.channel import open_channel
from services.runtime.server import start_server
from services.runtime.settings import Secret
from services.vector_search.clients.change_feed import GrpcChangeFeed
from services.vector_search.domain.changes import (
    Acknowledgement,
    Cursor,
    GenerationId,
    Head,
    Position,
    Switch,
)
from services.vector_search.domain.errors import ChangesRefused
from services.vector_search.domain.units import NO_UNITS, Units
from tests.fakes.change_feed import FakeChangeFeed, FakeChangeFeedServicer, service
from tests.fakes.vector_search_data import ACME, DIMENSIONS, a_chunk, a_document, some_units

SECRET = Secret("internal-credential")
BEGINNING = Position(ACME, 1, 0)


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return what the knowledge service has."""
    return FakeChangeFeed()


@pytest.fixture
def adapter(feed: FakeChangeFeed) -> Iterator[GrpcChangeFeed]:
    """Return the adapter, connected to a server."""
    server = start_server([service(FakeChangeFeedServicer(feed))], credential=SECRET)
    channel = open_channel(server.address, credential=SECRET)
    yield GrpcChangeFeed(channel, "rep_1", "127.0.0.1:1")
    channel.close()
    server.stop()


def test_passages_arrive_whole(feed: FakeChangeFeed, adapter: GrpcChangeFeed) -> None:
    """With their units in order, none included, and their kind."""
    given = [
        a_chunk("a", "x", seed=6, units=some_units(6, 5)),
        a_chunk("b", "x", seed=7, units=NO_UNITS, kind="answer"),
    ]
    feed.write(ACME, documents=[a_document("x")], chunks=given)
    (changes,) = adapter.changes(Cursor(BEGINNING)).sets
    assert changes.documents == (a_document("x"),)
    for sent, arrived in zip(given, changes.chunks, strict=True):
        assert np.array_equal(sent.vector, arrived.vector)
        assert (arrived.chunk_id, arrived.kind, arrived.units) == (sent.chunk_id, sent.kind, sent.units)


@pytest.mark.parametrize(
    "vectors", [b"", bytes(DIMENSIONS), bytes(2 * DIMENSIONS + 1), bytes(3 * DIMENSIONS)]
)
def test_units_and_vectors_that_do_not_fit_are_refused(
    feed: FakeChangeFeed, adapter: GrpcChangeFeed, vectors: bytes
) -> None:
    """Two units have two vectors of the model's dimensions; nothing else is taken for them."""
    units = Units(some_units(1, 2).encoded, vectors)
    feed.write(ACME, documents=[a_document("x")], chunks=[a_chunk("a", "x", units=units)])
    with pytest.raises(ChangesRefused, match="unit vectors of chunk_a"):
        adapter.changes(Cursor(BEGINNING))


def test_vectors_without_units_are_refused(feed: FakeChangeFeed, adapter: GrpcChangeFeed) -> None:
    """There is nothing that they could be of."""
    feed.write(ACME, chunks=[a_chunk("a", "x", units=Units(b"", bytes(DIMENSIONS)))])
    with pytest.raises(ChangesRefused, match="unit vectors of chunk_a"):
        adapter.changes(Cursor(BEGINNING))


def test_where_a_file_was_begun_is_told(feed: FakeChangeFeed, adapter: GrpcChangeFeed) -> None:
    """Whoever began after the tombstones went need not begin again."""
    feed.write(ACME, documents=[a_document("x")])
    head = feed.write(ACME, deleted_chunks=["chunk_a"])
    feed.forget_tombstones(ACME)
    half = replace(BEGINNING, revision=1)
    assert adapter.changes(Cursor(half)).restart
    assert not adapter.changes(Cursor(half, begun_at=head)).restart


def test_generations_and_switches_arrive(feed: FakeChangeFeed, adapter: GrpcChangeFeed) -> None:
    """Which generation is next, which are made, and in how many seconds one is gone over to."""
    feed.write(ACME, documents=[a_document("x")])
    feed.clock = lambda: 0.0
    assert feed.begin_reindex(ACME) == 2
    feed.set_switch(ACME, 12.5)
    answer = adapter.sync([Acknowledgement(BEGINNING, 0)], reset=True, wait_seconds=0)
    assert answer.behind == (Head(Position(ACME, 1, 1)), Head(Position(ACME, 2, 1), is_next=True))
    assert answer.next == {GenerationId(ACME, 2)}
    assert answer.switches == (Switch(GenerationId(ACME, 2), 12.5),)
    reported = [Acknowledgement(Position(ACME, 1, 1), 1), Acknowledgement(Position(ACME, 2, 1), 1)]
    assert adapter.sync(reported, reset=False, wait_seconds=0).behind == ()
    assert (feed.acknowledged, feed.acknowledged_next, feed.erased) == (
        {ACME: Position(ACME, 1, 1)},
        {ACME: Position(ACME, 2, 1)},
        {ACME: 1},
    )
