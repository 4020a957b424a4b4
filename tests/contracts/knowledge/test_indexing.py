"""The indexer: claims, fences, crashes, failures."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.chunking.blocks import Block, Kind, Piece
from services.knowledge.domain.chunking.passage import MAX_CHUNKS
from services.knowledge.domain.document import ContentType, Failure, Patch, Status
from services.knowledge.domain.errors import ClaimLost, IndexingFailed
from services.knowledge.domain.queue import CRASHED, MAX_LAPSES, IndexerId
from tests.contracts.knowledge.workshop import CLAIM_SECONDS, OTHER, WORKSPACE, Workshop, page
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.failing_embedder import InterruptedEmbedder, Killed, PickyEmbedder, UnreachableEmbedder


def texts(workshop: Workshop, workspace_id: WorkspaceId = WORKSPACE) -> list[str]:
    return [chunk.text for each in workshop.changes(workspace_id).sets for chunk in each.chunks]


def kill() -> None:
    raise Killed


def test_claims_are_exclusive(workshop: Workshop) -> None:
    """Two indexers never hold the same document."""
    for _ in range(6):
        workshop.create()
    now, until = workshop.clock.now(), workshop.clock.now() + timedelta(seconds=CLAIM_SECONDS)
    claimed = []
    for owner in ("idx_1", "idx_2"):
        with workshop.store.write() as tx:
            claimed += tx.queue.claim(IndexerId(owner), ["fake-bag-of-words"], 4, now, until)
    assert len(claimed) == len({each.document_id for each in claimed}) == 6


def test_claimed_document_is_indexing(workshop: Workshop) -> None:
    """Callers see that somebody is at it, and no place in the queue any more."""
    document = workshop.create()
    seen = []
    embedder = InterruptedEmbedder(lambda: seen.append(workshop.read.get(WORKSPACE, document.id)))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    assert (seen[0].document.status, seen[0].place) == (Status.INDEXING, None)


def test_killed_indexers_document_is_taken_by_another(workshop: Workshop) -> None:
    """A dead indexer's claim lapses; its document is indexed once, by the next."""
    document = workshop.create()
    with pytest.raises(Killed):
        workshop.indexer("dead", embedder=InterruptedEmbedder(kill)).run(1, lambda: False)
    assert workshop.index() == 0
    workshop.clock.advance(CLAIM_SECONDS + 1)
    assert workshop.index() == 1
    workshop.settle()
    assert workshop.document(document.id).status is Status.INDEXED
    assert texts(workshop) == ["Your plan renews on the third."]


def test_renewed_claims_do_not_lapse(workshop: Workshop) -> None:
    """Who still works keeps what it has, for as long as it takes."""
    workshop.create()

    def long_work() -> None:
        for _ in range(5):
            workshop.clock.advance(CLAIM_SECONDS * 0.9)
            slow.renew()
        assert workshop.index() == 0

    slow = workshop.indexer("slow", embedder=InterruptedEmbedder(long_work))
    slow.run(1, lambda: False)
    assert workshop.journal.losses == []
    assert len(texts(workshop)) == 1


@pytest.mark.parametrize("next_owner", ["second", "paused"])
@pytest.mark.parametrize("finished", [False, True])
def test_paused_indexer_commits_nothing_stale(workshop: Workshop, next_owner: str, finished: bool) -> None:
    """One that wakes after its claim was taken over writes nothing, though content and owner be the same."""
    document = workshop.create()

    def pause() -> None:
        workshop.clock.advance(CLAIM_SECONDS + 1)
        embedder = None if finished else InterruptedEmbedder(kill)
        with nullcontext() if finished else pytest.raises(Killed):
            workshop.indexer(next_owner, embedder=embedder).run(1, lambda: False)

    workshop.indexer("paused", embedder=InterruptedEmbedder(pause)).run(1, lambda: False)
    assert workshop.journal.losses == [document.id]
    assert workshop.changes().head_revision == int(finished)


@pytest.mark.parametrize("error", [ValueError(), IndexingFailed("EXTRACTION_FAILED", "No.")])
def test_paused_indexer_does_not_fail_what_another_has(workshop: Workshop, error: Exception) -> None:
    """A failure, passing or for good, counts only while the claim does."""
    document = workshop.create()

    def pause(_content: bytes, _content_type: ContentType) -> list[Block]:
        workshop.clock.advance(CLAIM_SECONDS + 1)
        workshop.indexer("second").run(1, lambda: False)
        raise error

    workshop.indexer("paused", extract=pause).run(1, lambda: False)
    assert workshop.document(document.id).status is Status.PUBLISHING
    assert workshop.journal.losses == [document.id]


def test_edit_while_indexing_wins(workshop: Workshop) -> None:
    """A document that is edited meanwhile stays queued, and only the new content is ever found."""
    document = workshop.create(page(content="Old."))
    edit = Patch(content=b"New.")
    embedder = InterruptedEmbedder(lambda: workshop.write.patch(WORKSPACE, document.id, edit, ""))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    assert texts(workshop) == []
    assert workshop.document(document.id).status is Status.QUEUED
    workshop.index()
    assert texts(workshop) == ["New."]


def test_edit_between_claim_and_reading(workshop: Workshop) -> None:
    """New content is never read under a claim on the old."""
    document = workshop.create(page(content="Old."))
    now, until = workshop.clock.now(), workshop.clock.now() + timedelta(seconds=CLAIM_SECONDS)
    with workshop.store.write() as tx:
        (claim,) = tx.queue.claim(IndexerId("idx_1"), ["fake-bag-of-words"], 1, now, until)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"New."), "")
    with workshop.store.read() as tx, pytest.raises(ClaimLost):
        tx.queue.source(WORKSPACE, claim)


def test_patch_of_filters_while_indexing_is_kept(workshop: Workshop) -> None:
    """New tags while a document is being indexed neither stop the work nor get lost."""
    document = workshop.create()
    tags = Patch(tags=("new",))
    embedder = InterruptedEmbedder(lambda: workshop.write.patch(WORKSPACE, document.id, tags, ""))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    (change,) = workshop.changes().sets
    assert change.documents[0].tags == ("new",)
    assert len(change.chunks) == 1


def test_deletion_while_indexing_wins(workshop: Workshop) -> None:
    """A document that is deleted meanwhile never appears."""
    document = workshop.create()
    embedder = InterruptedEmbedder(lambda: workshop.write.delete(WORKSPACE, document.id, ""))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    assert workshop.changes().sets == []
    assert workshop.index() == 0


def test_one_bad_document_fails_alone(workshop: Workshop) -> None:
    """What breaks the embedder is tried again after pauses, then failed; its neighbours are indexed."""
    bad = workshop.create(page(content="poison"))
    good = workshop.create(page(content="fine"))
    indexer = workshop.indexer(embedder=PickyEmbedder("poison"))
    indexer.run(10, lambda: False)
    assert workshop.document(good.id).status is Status.PUBLISHING
    assert workshop.document(bad.id).status is Status.QUEUED
    assert indexer.run(10, lambda: False) == 0
    for pause in (1, 4, 16, 60):
        workshop.clock.advance(pause)
        assert indexer.run(10, lambda: False) == 1
    failed = workshop.document(bad.id)
    assert failed.status is Status.FAILED
    assert failed.error is not None
    assert failed.error.code == "INDEXING_FAILED"
    workshop.clock.advance(3600)
    assert indexer.run(10, lambda: False) == 0


def test_unreachable_model_fails_nothing(workshop: Workshop) -> None:
    """While the embedding endpoint is down documents wait, however long."""
    document = workshop.create()
    for _ in range(20):
        workshop.indexer(embedder=UnreachableEmbedder(dimensions=8)).run(10, lambda: False)
        workshop.clock.advance(10)
    assert workshop.document(document.id).status is Status.QUEUED
    assert workshop.index() == 1


def test_what_kills_indexers_is_given_up(workshop: Workshop) -> None:
    """A document that indexers die of comes alone after a few times, and fails in the end."""
    bad = workshop.create(page(content="poison"))
    good = workshop.create(page(content="fine"))
    for _ in range(MAX_LAPSES + 2):
        try:
            workshop.indexer(extract=_deadly).run(10, lambda: False)
        except Killed:
            workshop.clock.advance(CLAIM_SECONDS + 1)
    workshop.indexer(extract=_deadly).run(10, lambda: False)
    assert workshop.document(bad.id).error == CRASHED
    assert workshop.document(good.id).status is Status.PUBLISHING


def test_too_many_chunks_fail_at_once(workshop: Workshop) -> None:
    """A document of more than 2,000 passages is refused with a reason, not tried again."""
    document = workshop.create()
    pieces = [Piece(Kind.CODE, " ".join(f"w{n}x{m}" for m in range(250))) for n in range(MAX_CHUNKS + 1)]
    workshop.indexer(extract=lambda _content, _type: pieces).run(1, lambda: False)
    error = workshop.document(document.id).error
    assert error == Failure("TOO_MANY_CHUNKS", "It has more than 2000 passages.")
    assert workshop.embedder.embedded == []


def test_stopping_gives_back_what_is_not_done(workshop: Workshop) -> None:
    """On the way out an indexer releases its claims; nobody waits for them to lapse."""
    for n in range(3):
        workshop.create(page(content=f"Text {n}."))
    assert workshop.indexer("leaving").run(10, lambda: True) == 3
    assert texts(workshop) == []
    assert workshop.index() == 3


def test_large_push_does_not_hold_up_another_workspace(workshop: Workshop) -> None:
    """The next batch after a single document arrives has it in."""
    workshop.push(*(page(f"p{n}", f"Text {n}.") for n in range(100)))
    workshop.index(limit=10)
    workshop.clock.advance(1)
    single = workshop.create(page(content="Single."), OTHER)
    workshop.index(limit=10)
    assert workshop.document(single.id, OTHER).status is Status.PUBLISHING


def test_vectors_of_two_models_never_meet(workshop: Workshop) -> None:
    """An indexer with another model leaves a workspace alone, and serves new ones."""
    workshop.indexed()
    waiting = workshop.create(page(content="More."))
    elsewhere = workshop.create(page(content="Other."), OTHER)
    stranger = workshop.indexer("stranger", embedder=FakeEmbedder(model="another", dimensions=16))
    assert stranger.run(10, lambda: False) == 1
    assert workshop.document(waiting.id).status is Status.QUEUED
    assert workshop.document(elsewhere.id, OTHER).status is Status.PUBLISHING
    changes = workshop.changes(OTHER)
    assert (changes.embedding_model, changes.dimensions) == ("another", 16)


def test_two_models_race_for_an_empty_workspace(workshop: Workshop) -> None:
    """The first commit decides; the other indexer's work is thrown away and done again by the first's."""
    workshop.create(page(content="Slow."))
    workshop.create(page(content="Fast."))
    embedder = InterruptedEmbedder(lambda: workshop.index(), dimensions=16)
    workshop.indexer("stranger", embedder=embedder).run(1, lambda: False)
    assert texts(workshop) == ["Fast."]
    workshop.clock.advance(1)
    workshop.index()
    assert texts(workshop) == ["Fast.", "Slow."]


def test_vectors_are_little_endian_float32(workshop: Workshop) -> None:
    """What travels is what was embedded."""
    workshop.indexed()
    (chunk,) = workshop.changes().sets[0].chunks
    expected = workshop.embedder.embed_query("Renewal\nYour plan renews on the third.")
    assert chunk.vector == expected.astype("<f4").tobytes()


def test_failed_edit_keeps_what_was_indexed(workshop: Workshop) -> None:
    """When new content can't be indexed, search goes on with the passages of the last good one."""
    document = workshop.indexed(page(content="Good."))
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"x"), "")
    workshop.indexer(extract=lambda _content, _type: [Piece(Kind.CODE, "w " * 300)] * 3000).run(
        1, lambda: False
    )
    assert workshop.document(document.id).status is Status.FAILED
    assert texts(workshop) == ["Good."]


def _deadly(content: bytes, _content_type: ContentType) -> list[Block]:
    if content == b"poison":
        raise Killed
    return [Piece(Kind.PARAGRAPH, content.decode())]
