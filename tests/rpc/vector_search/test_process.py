"""The vector search process, from start to crash to end."""

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.index.unit_cosines import unit_cosines
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import ACME, GLOBEX, a_chunk, a_document, a_vector, some_units
from tests.rpc.vector_search.replica_process import CREDENTIAL, ReplicaProcess, calls_as, eventually

VECTOR = a_vector(5).tobytes()


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[ReplicaProcess]:
    """Return a process that serves two workspaces."""
    feed = FakeChangeFeed(lease_seconds=2.0)
    chunks = [a_chunk(f"{n:02}", "x", seed=n, text=f"number{n}") for n in range(80)]
    feed.write(ACME, documents=[a_document("x", tags=("t",), locale="en")], chunks=chunks)
    feed.write(GLOBEX, documents=[a_document("y")], chunks=[a_chunk("secret", "y", seed=5)])
    (tmp_path / "data").mkdir()
    replica = ReplicaProcess(feed, tmp_path / "data")
    try:
        eventually(replica.serving)
        yield replica
    finally:
        if replica.process.poll() is None:
            replica.stop()


def reason(error: grpc.RpcError) -> str:
    """Return the reason in an error's details."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return str(info.reason)
    raise AssertionError("the error has no reason")


def violations(error: grpc.RpcError) -> list[error_details_pb2.BadRequest.FieldViolation]:
    """Return the broken rules in an error's details."""
    bad = error_details_pb2.BadRequest()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(bad):
            return list(bad.field_violations)
    raise AssertionError("the error names no field")


def test_life(replica: ReplicaProcess) -> None:
    """It answers with payloads, survives being killed, drops what was deleted meanwhile, and drains."""
    request = pb.SearchRequest(vector=VECTOR, text="number5", limit=3)
    first = replica.search(ACME, request).hits[0]
    assert (first.chunk_id, first.document_id, first.title) == ("chunk_05", "doc_x", "About x")
    assert (first.url, list(first.heading_path), first.text) == ("https://example.com/x", ["Help"], "number5")
    assert first.dense == pytest.approx(1, abs=1e-6)
    assert first.lexical > 0
    assert first.score == pytest.approx(1, abs=1e-6)
    assert replica.servicer.replicas == {next(iter(replica.servicer.replicas)): replica.address}

    replica.kill()
    replica.feed.write(ACME, deleted_chunks=["chunk_05"])
    revision = replica.feed.write(ACME, chunks=[a_chunk("new", "x", seed=900, text="fresh")])
    replica.start()
    eventually(replica.serving)
    assert len(replica.servicer.replicas) == 1
    response = replica.search(ACME, request)
    assert response.revision == revision
    assert "chunk_05" not in [hit.chunk_id for hit in response.hits]
    assert replica.search(ACME, pb.SearchRequest(text="fresh", limit=1)).hits[0].chunk_id == "chunk_new"

    status = replica.stub.GetIndexStatus(pb.GetIndexStatusRequest(), timeout=10, metadata=calls_as(ACME))
    assert (status.revision, status.chunks, status.recall > 0) == (revision, 80, True)
    assert replica.stop() == 0


def test_what_is_prepared_is_in_memory_before_it_serves(replica: ReplicaProcess) -> None:
    """Nobody who asks after a restart waits for a large collection to be loaded."""

    def has_vectors() -> bool:
        return ".index/vectors-" in Path(f"/proc/{replica.process.pid}/maps").read_text()

    replica.search(ACME, pb.SearchRequest(vector=VECTOR, limit=1))
    eventually(lambda: any(replica.folder.glob("workspaces/*/*.index/manifest.json")))
    replica.kill()
    replica.start()
    eventually(replica.serving)
    assert has_vectors()


def test_without_the_feed_it_stops_serving(replica: ReplicaProcess) -> None:
    """Cut off, it refuses when its lease ends and says so to health checks; reached again, it serves."""
    replica.feed.down = True
    eventually(lambda: not replica.serving())
    with pytest.raises(grpc.RpcError) as raised:
        replica.search(ACME, pb.SearchRequest(vector=VECTOR, limit=3))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    replica.feed.write(ACME, deleted_documents=["doc_x"])
    replica.feed.down = False
    eventually(replica.serving)
    assert not replica.search(ACME, pb.SearchRequest(vector=VECTOR, limit=3)).hits


def test_refusals(replica: ReplicaProcess) -> None:
    """Strangers, nobody in particular, and malformed questions are refused, each by its name."""
    good = pb.SearchRequest(vector=VECTOR, limit=3)
    ask = replica.stub.Search
    nan = np.array([np.nan] * 8, dtype="<f4").tobytes()
    for request, metadata, code, why in [
        (good, (), "PERMISSION_DENIED", "INTERNAL_CREDENTIAL_REFUSED"),
        (good, (("x-internal-credential", CREDENTIAL),), "UNAUTHENTICATED", "UNAUTHENTICATED"),
        (pb.SearchRequest(limit=3), calls_as(ACME), "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (pb.SearchRequest(vector=VECTOR), calls_as(ACME), "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (
            pb.SearchRequest(vector=VECTOR[:-4], limit=3),
            calls_as(ACME),
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
        ),
        (pb.SearchRequest(vector=nan, limit=3), calls_as(ACME), "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (
            pb.SearchRequest(vector=VECTOR, limit=3, min_revision=99),
            calls_as(ACME),
            "UNAVAILABLE",
            "INDEX_BEHIND",
        ),
    ]:
        with pytest.raises(grpc.RpcError) as raised:
            ask(request, timeout=1.5, metadata=metadata)
        assert (raised.value.code().name, reason(raised.value)) == (code, why)


def test_batches(replica: ReplicaProcess) -> None:
    """Several questions get their answers in order; what is wrong with one of them is named by its place."""
    questions = [pb.SearchRequest(vector=a_vector(n).tobytes(), limit=1 + n % 3) for n in range(70)]
    ask = replica.stub.BatchSearch
    answers = ask(pb.BatchSearchRequest(requests=questions), timeout=10, metadata=calls_as(ACME)).responses
    assert [each.hits[0].chunk_id for each in answers] == [f"chunk_{n:02}" for n in range(70)]
    assert answers[4] == replica.search(ACME, questions[4])

    bad = [questions[0], pb.SearchRequest(limit=0), pb.SearchRequest(vector=VECTOR, limit=999)]
    for requests, pointers in [
        (bad, ["/requests/1/text", "/requests/1/limit", "/requests/2/limit"]),
        ([], ["/requests"]),
        (questions[:1] * 257, ["/requests"]),
    ]:
        with pytest.raises(grpc.RpcError) as raised:
            ask(pb.BatchSearchRequest(requests=requests), timeout=10, metadata=calls_as(ACME))
        assert [each.field for each in violations(raised.value)] == pointers


def test_units(replica: ReplicaProcess) -> None:
    """Who asks for units gets those that the feed brought, each with its cosine, alone and in a batch."""
    answer = a_chunk("qa", "x", seed=33, text="number33", kind="answer")
    revision = replica.feed.write(ACME, chunks=[answer])
    vector = a_vector(33).tobytes()
    plain = pb.SearchRequest(vector=vector, text="number33", limit=4, min_revision=revision)
    rich = pb.SearchRequest(vector=vector, text="number33", limit=4, min_revision=revision, with_units=True)
    found = replica.search(ACME, rich)
    hits = {hit.chunk_id: hit for hit in found.hits}
    assert (hits["chunk_qa"].kind, hits["chunk_33"].kind) == ("answer", "passage")
    for hit in found.hits:
        seed = 33 if hit.chunk_id == "chunk_qa" else int(hit.chunk_id[-2:])
        units = some_units(seed, seed % 7)
        (cosines,) = unit_cosines(a_vector(33), [units])
        assert list(hit.units) == list(pb.Hit.FromString(units.encoded).units)
        assert list(hit.unit_cosines) == cosines.tolist()
    ask = replica.stub.BatchSearch
    request = pb.BatchSearchRequest(requests=[rich, plain])
    both = ask(request, timeout=10, metadata=calls_as(ACME)).responses
    assert both[0] == found
    for hit in found.hits:
        del hit.units[:], hit.unit_cosines[:]
    assert both[1] == found == replica.search(ACME, plain)


def test_only_the_caller_s_workspace(replica: ReplicaProcess) -> None:
    """The same question finds each caller's own passages, and nothing where the workspace is unknown."""
    request = pb.SearchRequest(vector=VECTOR, text="words number5", limit=200)
    assert [hit.chunk_id for hit in replica.search(GLOBEX, request).hits] == ["chunk_secret"]
    assert "chunk_secret" not in [hit.chunk_id for hit in replica.search(ACME, request).hits]
    unknown = replica.search(WorkspaceId("ws_unknown"), request)
    assert (list(unknown.hits), unknown.revision) == ([], 0)


def test_filters_travel(replica: ReplicaProcess) -> None:
    """Every field of a filter reaches the index."""
    for wanted, count in [
        (pb.Filter(any_tags=["t"], locale="en", document_ids=["doc_x"]), 80),
        (pb.Filter(any_tags=["other"]), 0),
        (pb.Filter(all_tags=["t"]), 80),
        (pb.Filter(all_tags=["t", "other"]), 0),
        (pb.Filter(locale="de"), 0),
        (pb.Filter(document_ids=["doc_y"]), 0),
    ]:
        response = replica.search(ACME, pb.SearchRequest(vector=VECTOR, limit=200, filter=wanted))
        assert len(response.hits) == count
    replica.feed.write(ACME, documents=[a_document("x", authenticated=True)])
    revision = replica.feed.head(ACME)
    for included, count in [(False, 0), (True, 80)]:
        request = pb.SearchRequest(
            vector=VECTOR,
            limit=200,
            filter=pb.Filter(include_authenticated=included),
            min_revision=revision,
            exact=True,
        )
        assert len(replica.search(ACME, request).hits) == count


def test_goes_over_to_another_model(replica: ReplicaProcess) -> None:
    """During a re-index no question fails; from its instant on it is the new model's vectors that count."""
    feed, other = replica.feed, EmbeddingModel("other", 16)
    wide = a_vector(5, 16).tobytes()

    def asked(vector: bytes, model: str) -> pb.SearchResponse:
        return replica.search(ACME, pb.SearchRequest(vector=vector, limit=3, embedding_model=model))

    with pytest.raises(grpc.RpcError) as raised:
        asked(wide, "other")
    assert reason(raised.value) == "EMBEDDING_MODEL_MISMATCH"
    assert raised.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    feed.begin_reindex(ACME, other)
    made = [a_chunk(f"{n:02}", "x", seed=n, text=f"number{n}", dimensions=16) for n in range(80)]
    feed.write(ACME, next_chunks=made)
    eventually(lambda: ACME in feed.acknowledged_next)
    feed.set_switch(ACME, 2.5)
    generations: list[int] = []
    while len(generations) < 50 or generations[-1] == 1:
        response = replica.search(ACME, pb.SearchRequest(text="number5", limit=3))
        generations.append(response.generation)
        assert response.hits[0].chunk_id == "chunk_05"
        time.sleep(0.01)
    assert generations == sorted(generations)
    assert asked(wide, "other").hits[0].chunk_id == "chunk_05"
    feed.make_switch(ACME)
    eventually(lambda: not list(replica.folder.glob(f"workspaces/{ACME}/1-*")))
    eventually(lambda: feed.erased[ACME] == feed.head(ACME))
