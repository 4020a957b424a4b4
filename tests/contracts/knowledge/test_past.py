"""What search saw at an earlier revision, as long as it is kept."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import ChunkChange, DocumentChange
from services.knowledge.domain.document import Audience, Patch
from services.knowledge.domain.errors import RevisionNotKept
from services.knowledge.domain.past import past_page
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.pruning import PruneVersions
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.search_replica import SearchReplica
from tests.contracts.knowledge.workshop import LEASE_SECONDS, OTHER, WORKSPACE, Workshop, page

State = tuple[dict[str, DocumentChange], dict[str, ChunkChange]]


def then(workshop: Workshop, revision: int, workspace_id: WorkspaceId = WORKSPACE) -> State:
    """Return an earlier state, page by page."""
    documents: dict[str, DocumentChange] = {}
    chunks: dict[str, ChunkChange] = {}
    token = ""
    while True:
        found = workshop.follow.past(workspace_id, revision, token)
        assert not documents.keys() & {each.document_id for each in found.documents}
        assert not chunks.keys() & {each.chunk_id for each in found.chunks}
        documents |= {each.document_id: each for each in found.documents}
        chunks |= {each.chunk_id: each for each in found.chunks}
        token = found.next_token
        if not token:
            return documents, chunks


def seen(state: tuple[object, object]) -> State:
    """Leave out what a search makes no use of: when a row was written, and places of passages that moved."""
    documents, chunks = state
    assert isinstance(documents, dict)
    assert isinstance(chunks, dict)
    epoch = next(iter(documents.values())).updated_at if documents else None
    return (
        {key: replace(each, updated_at=epoch) for key, each in documents.items()},
        {key: replace(each, ordinal=0) for key, each in chunks.items()},
    )


def texts(workshop: Workshop, revision: int) -> list[str]:
    return sorted(each.text for each in then(workshop, revision)[1].values())


def test_an_edit_leaves_what_was_before(workshop: Workshop) -> None:
    """Before the edit was indexed the old passage was found, from then on the new one."""
    document = workshop.indexed(page(content="One."))
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two."), "")
    workshop.index()
    workshop.settle()
    assert [texts(workshop, revision) for revision in range(3)] == [[], ["One."], ["Two."]]


def test_fields_are_as_search_saw_them(workshop: Workshop) -> None:
    """A change of fields counts from its own revision on, before the new content is there."""
    document = workshop.indexed(page(content="One.", tags=("old",)))
    patch = Patch(title="New", tags=("new",), active=False, content=b"Two.")
    workshop.write.patch(WORKSPACE, document.id, patch, "")
    workshop.index()
    workshop.settle()
    found = [then(workshop, revision) for revision in (1, 2, 3)]
    assert [[each.title for each in documents.values()] for documents, _ in found] == [
        ["Renewal"],
        ["New"],
        ["New"],
    ]
    assert [[each.tags for each in documents.values()] for documents, _ in found] == [
        [("old",)],
        [("new",)],
        [("new",)],
    ]
    assert [[each.text for each in chunks.values()] for _, chunks in found] == [["One."], ["One."], ["Two."]]


def test_every_revision_is_what_replicas_had(workshop: Workshop) -> None:
    """Whatever is written, each revision's state is the one that a replica had when it was the newest."""
    chosen = random.Random(7)
    follower, at = Follower(WORKSPACE), {}
    names = [f"p{n}" for n in range(6)]
    for step in range(60):
        match chosen.randrange(5):
            case 0 | 1:
                sections = [f"## Part {n}\n\nText {chosen.randrange(3)} of it." * 20 for n in range(3)]
                chosen.shuffle(sections)
                workshop.push(page(chosen.choice(names), "\n\n".join(sections), title=f"T{step % 3}"))
            case 2:
                workshop.push(page(chosen.choice(names), f"Text {step}.", tags=(f"t{step % 4}",)))
            case 3:
                items = workshop.read.page(WORKSPACE, ListFilters(), 50, "").items
                if items:
                    patch = Patch(active=chosen.random() < 0.5, metadata={"step": str(step)})
                    workshop.write.patch(WORKSPACE, chosen.choice(items).document.id, patch, "")
            case _:
                workshop.index(2)
        follower.catch_up(workshop)
        documents, chunks = follower.state()
        assert isinstance(documents, dict)
        assert isinstance(chunks, dict)
        at[workshop.read.index(WORKSPACE).revision] = (dict(documents), dict(chunks))
    assert len(at) > 20
    for revision, state in at.items():
        assert seen(then(workshop, revision)) == seen(state)


def test_deleted_documents_have_no_past(workshop: Workshop) -> None:
    """A deletion takes a document out of all revisions at once; the others stay in them."""
    gone, kept = workshop.indexed(page(content="Gone.")), workshop.indexed(page(content="Kept."))
    for document in (gone, kept):
        workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Edited."), "")
    workshop.index()
    workshop.settle()
    assert texts(workshop, 2) == ["Gone.", "Kept."]
    workshop.write.delete(WORKSPACE, gone.id, "")
    documents, chunks = then(workshop, 2)
    assert list(documents) == [kept.id]
    assert [each.text for each in chunks.values()] == ["Kept."]


@pytest.mark.parametrize("past", [Audience.PUBLIC, Audience.AUTHENTICATED])
def test_the_stricter_audience_counts(workshop: Workshop, past: Audience) -> None:
    """What is kept from the public now, or was then, is so in the past."""
    document = workshop.indexed(page())
    if past is Audience.AUTHENTICATED:
        workshop.write.patch(WORKSPACE, document.id, Patch(audience=past), "")
    revision = workshop.read.index(WORKSPACE).revision
    now = Audience.AUTHENTICATED if past is Audience.PUBLIC else Audience.PUBLIC
    workshop.write.patch(WORKSPACE, document.id, Patch(audience=now), "")
    documents, _ = then(workshop, revision)
    assert [each.audience for each in documents.values()] == [Audience.AUTHENTICATED]


def test_pages_are_one_state_whatever_is_written_meanwhile(workshop: Workshop) -> None:
    """Rows that move to the versions between two pages are neither missed nor doubled."""
    names = [f"p{n}" for n in range(7)]
    workshop.push(*(page(name, f"Before {name}.") for name in names))
    workshop.index()
    workshop.settle()
    revision = workshop.read.index(WORKSPACE).revision
    found: list[str] = []
    documents: list[str] = []
    token, turn = "", 0
    while True:
        with workshop.store.read() as tx:
            result = past_page(tx, WORKSPACE, revision, token, documents_at_once=2, answer_bytes=600)
        documents += [each.title for each in result.documents]
        found += [each.text for each in result.chunks]
        token, turn = result.next_token, turn + 1
        if not token:
            break
        workshop.push(*(page(name, f"After {turn} {name}.", title=f"After {turn}") for name in names))
        workshop.index()
    assert turn > 6
    assert documents == ["Renewal"] * 7
    assert sorted(found) == sorted(f"Before {name}." for name in names)


@pytest.mark.parametrize("revision", [-1, 3])
def test_a_revision_that_never_was_is_refused(workshop: Workshop, revision: int) -> None:
    """Only what has been can be asked for."""
    document = workshop.indexed()
    workshop.write.patch(WORKSPACE, document.id, Patch(active=False), "")
    with pytest.raises(InvalidArgument) as caught:
        workshop.follow.past(WORKSPACE, revision, "")
    assert [each.pointer for each in caught.value.violations] == ["/knowledge_revision"]


def test_tokens_are_bound_to_their_list(workshop: Workshop) -> None:
    """A token of another revision, another workspace or of nobody is refused."""
    document = workshop.indexed()
    workshop.indexed(workspace_id=OTHER)
    workshop.write.patch(WORKSPACE, document.id, Patch(active=False), "")
    token = workshop.follow.past(WORKSPACE, 1, "").next_token
    for workspace_id, revision, wrong in (
        (WORKSPACE, 2, token),
        (OTHER, 1, token),
        (WORKSPACE, 1, "garbage"),
    ):
        with pytest.raises(InvalidArgument):
            workshop.follow.past(workspace_id, revision, wrong)


def test_what_is_pruned_is_not_kept(workshop: Workshop) -> None:
    """With its versions a revision can't be asked for any more; later ones still can."""
    document = workshop.indexed(page(content="One."))
    for content in (b"Two.", b"Three."):
        workshop.clock.advance(86_400)
        workshop.write.patch(WORKSPACE, document.id, Patch(content=content), "")
        workshop.index()
        workshop.settle()
    assert texts(workshop, 1) == ["One."]
    prune = PruneVersions(workshop.store, workshop.clock, timedelta(days=0.5))
    while prune.run():
        pass
    with pytest.raises(RevisionNotKept):
        workshop.follow.past(WORKSPACE, 1, "")
    assert [texts(workshop, revision) for revision in (2, 3)] == [["Two."], ["Three."]]


def test_workspaces_have_their_own_past(workshop: Workshop) -> None:
    """A revision's number means another state in each workspace."""
    workshop.indexed(page(content="Mine."))
    workshop.indexed(page(content="Theirs."), OTHER)
    assert [each.text for each in then(workshop, 1, OTHER)[1].values()] == ["Theirs."]
    assert then(workshop, 0, WorkspaceId("ws_none")) == ({}, {})


def test_each_generation_has_its_term(workshop: Workshop) -> None:
    """A revision is of the generation that served then, also while that comes back, until it is given up."""
    replica = SearchReplica(workshop)
    document = workshop.create(page(content="One."))
    _settle(workshop, replica)
    workshop.reindex()
    _switch(workshop, replica)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two."), "")
    _settle(workshop, replica)
    newest = workshop.read.index(WORKSPACE).revision
    assert (workshop.follow.past(WORKSPACE, 1, "").generation.number, texts(workshop, 1)) == (1, ["One."])
    assert workshop.follow.past(WORKSPACE, newest, "").generation.number == 2
    workshop.roll_back()
    _switch(workshop, replica)
    # What the way back has replaced in generation 1 was found at revision 1.
    assert (workshop.follow.past(WORKSPACE, 1, "").generation.number, texts(workshop, 1)) == (1, ["One."])
    assert (workshop.follow.past(WORKSPACE, newest, "").generation.number, texts(workshop, newest)) == (
        2,
        ["Two."],
    )
    workshop.reindex()
    with pytest.raises(RevisionNotKept):
        workshop.follow.past(WORKSPACE, newest, "")


def _settle(workshop: Workshop, replica: SearchReplica) -> None:
    while workshop.index():
        pass
    replica.step()


def _switch(workshop: Workshop, replica: SearchReplica) -> None:
    for _ in range(4):
        _settle(workshop, replica)
        workshop.switching.advance()
        workshop.clock.advance(LEASE_SECONDS - 1)
    replica.step()
    workshop.switching.advance()
    assert workshop.read.index(WORKSPACE).next_generation is None
