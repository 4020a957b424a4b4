"""Versions: what a document was before its changes, for a time."""

from datetime import timedelta

import pytest

from services.kernel.errors import InvalidArgument
from services.knowledge.domain.document import Audience, Document, DocumentId, Patch
from services.knowledge.domain.draft import draft
from services.knowledge.domain.errors import DocumentNotFound, VersionNotFound
from services.knowledge.domain.pruning import PruneVersions
from services.knowledge.domain.stock import Allowance
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page


def contents(workshop: Workshop, document: Document) -> dict[int, bytes]:
    """Return the kept versions' contents."""
    numbers = [each.number for each in workshop.read.versions(WORKSPACE, document.id, 200, "").items]
    return {number: workshop.read.version(WORKSPACE, document.id, number)[1] for number in numbers}


def pruner(workshop: Workshop, days: float) -> PruneVersions:
    return PruneVersions(workshop.store, workshop.clock, timedelta(days=days))


def test_a_new_document_has_one_version(workshop: Workshop) -> None:
    """The present state is the first version, current, seen since nothing until it is indexed."""
    created = workshop.create(page("a", "Text."))
    (version,) = workshop.read.versions(WORKSPACE, created.id, 50, "").items
    assert (version.number, version.replaced_at, version.whole_since) == (1, None, 0)
    assert version.created_at == created.created_at
    workshop.index()
    workshop.settle()
    version, content = workshop.read.version(WORKSPACE, created.id, 1)
    assert (version.whole_since, content) == (1, b"Text.")


def test_each_change_is_a_version(workshop: Workshop) -> None:
    """PATCH, PUT and batches leave what was before, newest first, with when and since which revision."""
    document = workshop.indexed(page("a", "One."))
    written = [workshop.clock.now()]
    for step in (
        lambda: workshop.write.patch(WORKSPACE, document.id, Patch(title="Two", active=False), ""),
        lambda: workshop.write.put(WORKSPACE, draft(page("a", "Three.", tags=("t",))), ""),
        lambda: workshop.push(page("a", "Four.")),
    ):
        workshop.clock.advance(60)
        step()
        written.append(workshop.clock.now())
        workshop.index()
        workshop.settle()
    versions = workshop.read.versions(WORKSPACE, document.id, 50, "").items
    assert [each.number for each in versions] == [4, 3, 2, 1]
    assert [each.description.title for each in versions] == ["Renewal", "Renewal", "Two", "Renewal"]
    assert [each.description.tags for each in versions] == [(), ("t",), (), ()]
    assert [each.description.active for each in versions] == [True, True, False, True]
    assert [each.created_at for each in reversed(versions)] == written
    assert [each.replaced_at for each in reversed(versions)] == [*written[1:], None]
    assert contents(workshop, document) == {4: b"Four.", 3: b"Three.", 2: b"One.", 1: b"One."}
    # Each was seen whole when its fields and its content were.
    assert [each.whole_since for each in reversed(versions)] == [1, 3, 5, 7]


def test_what_changes_nothing_is_no_version(workshop: Workshop) -> None:
    """A write of what is there already leaves nothing behind."""
    document = workshop.create(page("a"))
    workshop.push(page("a"))
    workshop.write.put(WORKSPACE, draft(page("a")), "")
    workshop.write.patch(WORKSPACE, document.id, Patch(title="Renewal"), "")
    assert len(workshop.read.versions(WORKSPACE, document.id, 50, "").items) == 1


def test_what_search_never_saw_has_no_revision(workshop: Workshop) -> None:
    """A content that was replaced before it was indexed was seen at no revision."""
    document = workshop.create(page(content="One."))
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two."), "")
    workshop.index()
    workshop.settle()
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Three."), "")
    versions = workshop.read.versions(WORKSPACE, document.id, 50, "").items
    assert [each.whole_since for each in versions] == [0, 1, 0]


def test_a_content_that_stays_is_stored_once(workshop: Workshop) -> None:
    """A change of fields copies no content, and the versions that have the same one show it all the same."""
    document = workshop.create(page(content="One."))
    for n in range(3):
        workshop.write.patch(WORKSPACE, document.id, Patch(tags=(f"t{n}",)), "")
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two."), "")
    workshop.write.patch(WORKSPACE, document.id, Patch(tags=()), "")
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"One."), "")
    assert contents(workshop, document) == {
        **dict.fromkeys((1, 2, 3, 4, 7), b"One."),
        **dict.fromkeys((5, 6), b"Two."),
    }
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    assert operation.receipt is not None
    # Twice "One." and once "Two.": the present content and those of two versions.
    assert (operation.receipt.versions, operation.receipt.bytes) == (6, 12)


def test_versions_are_paged(workshop: Workshop) -> None:
    """Pages go on where the last one ended, though the document is changed meanwhile."""
    document = workshop.create()
    for n in range(6):
        workshop.write.patch(WORKSPACE, document.id, Patch(tags=(f"t{n}",)), "")
    found, token = [], ""
    while True:
        result = workshop.read.versions(WORKSPACE, document.id, 3, token)
        found += [each.number for each in result.items]
        workshop.write.patch(WORKSPACE, document.id, Patch(tags=(f"more {len(found)}",)), "")
        token = result.next_token
        if not token:
            break
    assert found == [7, 6, 5, 4, 3, 2, 1]


def test_version_tokens_are_bound_to_their_document(workshop: Workshop) -> None:
    """A token of another document or of nobody is refused."""
    first, second = workshop.create(), workshop.create()
    for n in range(3):
        workshop.write.patch(WORKSPACE, first.id, Patch(tags=(f"t{n}",)), "")
    token = workshop.read.versions(WORKSPACE, first.id, 2, "").next_token
    for document_id, wrong in ((second.id, token), (first.id, "garbage")):
        with pytest.raises(InvalidArgument):
            workshop.read.versions(WORKSPACE, document_id, 2, wrong)


@pytest.mark.parametrize("number", [-1, 0, 2, 2**31 - 1])
def test_unknown_versions_are_not_found(workshop: Workshop, number: int) -> None:
    """Numbers that were never given have no version."""
    document = workshop.create()
    with pytest.raises(VersionNotFound):
        workshop.read.version(WORKSPACE, document.id, number)


def test_other_workspaces_versions_do_not_exist(workshop: Workshop) -> None:
    """Another workspace's document is as unknown as none at all."""
    document = workshop.create()
    for workspace_id, document_id in ((OTHER, document.id), (WORKSPACE, DocumentId("doc_none"))):
        with pytest.raises(DocumentNotFound):
            workshop.read.versions(workspace_id, document_id, 50, "")
        with pytest.raises(DocumentNotFound):
            workshop.read.version(workspace_id, document_id, 1)


def test_versions_do_not_count_for_the_quota(workshop: Workshop) -> None:
    """Only the present content does."""
    allowance = Allowance(1, 5, workshop.clock.now() + timedelta(days=1))
    workshop.allowances.set(WORKSPACE, allowance)
    document = workshop.create(page(content="12345"))
    for _ in range(3):
        workshop.write.patch(WORKSPACE, document.id, Patch(content=b"54321"), "")
        workshop.write.patch(WORKSPACE, document.id, Patch(content=b"12345"), "")
    assert workshop.read.index(WORKSPACE).bytes == 5


def test_old_versions_are_pruned(workshop: Workshop) -> None:
    """What was replaced too long ago goes, the eldest first; contents that younger ones share stay."""
    document = workshop.indexed(page(content="One."))
    for patch in (Patch(tags=("a",)), Patch(content=b"Two."), Patch(content=b"One."), Patch(tags=("b",))):
        workshop.clock.advance(86_400)
        workshop.write.patch(WORKSPACE, document.id, patch, "")
        workshop.index()
        workshop.settle()
    prune = pruner(workshop, 1.5)
    while prune.run():
        pass
    assert contents(workshop, document) == {5: b"One.", 4: b"One.", 3: b"Two."}
    workshop.clock.advance(86_400 * 2)
    while prune.run():
        pass
    assert contents(workshop, document) == {5: b"One."}


def test_pruning_goes_round_the_workspaces(workshop: Workshop) -> None:
    """Each time one workspace's eldest go, until nothing is left that is too old; the young stay."""
    for workspace_id in (WORKSPACE, OTHER):
        document = workshop.indexed(page(content="One."), workspace_id)
        workshop.write.patch(workspace_id, document.id, Patch(content=b"Two."), "")
        workshop.index()
    workshop.clock.advance(86_400)
    young = workshop.indexed(page(content="One."))
    workshop.write.patch(WORKSPACE, young.id, Patch(audience=Audience.AUTHENTICATED), "")
    prune = pruner(workshop, 0.5)
    assert [prune.run() for _ in range(3)] == [2, 2, 0]
    assert len(workshop.read.versions(WORKSPACE, young.id, 50, "").items) == 2


def test_zero_days_keep_none(workshop: Workshop) -> None:
    """Versions can be done without: they go with the next look at them."""
    document = workshop.indexed(page(content="One."))
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two."), "")
    workshop.clock.advance(1)
    assert pruner(workshop, 0).run() == 1
    assert contents(workshop, document) == {2: b"Two."}


def test_a_content_is_never_another_versions(workshop: Workshop) -> None:
    """Where a clock ran backwards and a version lost its content, there is none, not a later one's."""
    document = workshop.create(page(content="One."))
    workshop.write.patch(WORKSPACE, document.id, Patch(tags=("t",)), "")
    workshop.clock.advance(-60)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Two."), "")
    workshop.clock.advance(30)
    assert pruner(workshop, 0).run() == 1
    items = workshop.read.versions(WORKSPACE, document.id, 50, "").items
    assert [each.number for each in items] == [3, 1]
    with pytest.raises(VersionNotFound):
        workshop.read.version(WORKSPACE, document.id, 1)
