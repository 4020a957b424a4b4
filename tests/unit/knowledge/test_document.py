"""What a change makes of a document."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.knowledge.domain.document import (
    Description,
    Digest,
    DocumentId,
    Draft,
    Failure,
    Patch,
    Status,
    new_document,
)
from services.knowledge.domain.errors import EtagMismatch

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DRAFT = Draft(Description("faq", "Renewal", tags=("a",)), b"Text.")
FRESH = new_document(DocumentId("doc_1"), DRAFT, NOW)
INDEXED = replace(FRESH, status=Status.INDEXED, revision=4, content_revision=4, indexed_at=NOW)
SAME = Digest.of(b"Text.")


def test_same_again_is_no_change() -> None:
    """A document that is written as it is stays as it is."""
    after = INDEXED.revised(DRAFT.description, SAME, LATER, retry=True)
    assert not after.changed
    assert after.document == INDEXED


@pytest.mark.parametrize(
    "change", [{"tags": ()}, {"url": "https://x.y"}, {"locale": "en"}, {"active": False}]
)
def test_filter_fields_change_the_index_at_once(change: dict[str, Any]) -> None:
    """What search filters by needs a revision, and no indexing."""
    after = INDEXED.revised(replace(DRAFT.description, **change), SAME, LATER, retry=False)
    assert (after.changed, after.visible, after.reindex) == (True, True, False)
    assert (after.document.status, after.document.version) == (Status.INDEXED, 2)


def test_metadata_is_the_callers_own() -> None:
    """Metadata is stored; search never sees it."""
    after = INDEXED.revised(replace(DRAFT.description, metadata={"k": "v"}), SAME, LATER, retry=False)
    assert (after.changed, after.visible, after.reindex) == (True, False, False)


def test_new_content_is_queued() -> None:
    """New content needs indexing, and is not found before."""
    after = INDEXED.revised(DRAFT.description, Digest.of(b"New."), LATER, retry=False)
    assert (after.visible, after.reindex) == (False, True)
    document = after.document
    assert (document.status, document.content_version, document.indexed_at) == (Status.QUEUED, 2, None)


def test_title_is_seen_at_once_and_embedded_again() -> None:
    """A title stands beside answers and inside vectors."""
    after = INDEXED.revised(replace(DRAFT.description, title="Billing"), SAME, LATER, retry=False)
    assert (after.visible, after.reindex) == (True, True)


def test_unknown_to_search_needs_no_revision() -> None:
    """What was never in the feed has nothing to correct there."""
    after = FRESH.revised(replace(DRAFT.description, tags=()), SAME, LATER, retry=False)
    assert (after.changed, after.visible) == (True, False)


def test_failed_document_is_tried_again_when_written_again() -> None:
    """Writing the same content again is how a caller retries what failed."""
    failed = replace(INDEXED, status=Status.FAILED, error=Failure("X", "x"))
    after = failed.revised(DRAFT.description, SAME, LATER, retry=True)
    assert (after.reindex, after.document.error) == (True, None)
    assert not failed.revised(DRAFT.description, SAME, LATER, retry=False).changed


@pytest.mark.parametrize("if_match", ["", '"1"', "*", '"7", "1"'])
def test_precondition_holds(if_match: str) -> None:
    """No condition, the present tag, a list that has it, or anything at all."""
    FRESH.check_precondition(if_match)


@pytest.mark.parametrize("if_match", ['"2"', 'W/"1"', "1", "nonsense"])
def test_precondition_fails(if_match: str) -> None:
    """Another tag, a weak one, or no tag at all."""
    with pytest.raises(EtagMismatch):
        FRESH.check_precondition(if_match)


def test_patch_leaves_the_rest() -> None:
    """A patch changes what it names."""
    assert Patch(tags=()).of(DRAFT.description) == replace(DRAFT.description, tags=())


def test_callers_see_four_states() -> None:
    """That replicas have yet to confirm is `indexing`, too."""
    assert {each.public for each in Status} == {"queued", "indexing", "indexed", "failed"}
