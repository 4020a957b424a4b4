"""Custom answers: documents like any other, whose passages are answers under their questions."""

import json
from dataclasses import replace

import pytest

from services.kernel.errors import InvalidArgument
from services.knowledge.domain.change_feed import ChunkChange
from services.knowledge.domain.chunking.passage import PassageKind
from services.knowledge.domain.document import ContentType, Document, Failure, Patch, Status
from services.knowledge.domain.draft import Said
from services.knowledge.storage.tables import CONTENTS
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop

LEAVE = {"question": "Can I leave?", "alternatives": ["How do I quit?"], "answer": "Yes. Any time."}
REFUND = {"question": "Is there a refund?", "answer": "Within 30 days."}


def answers(*pairs: object, external_id: str = "") -> Said:
    return Said(
        external_id=external_id,
        title="Contracts",
        content=json.dumps(pairs),
        content_type=ContentType.CUSTOM_ANSWERS,
    )


def found(workshop: Workshop) -> dict[tuple[str, ...], ChunkChange]:
    """The passages that a replica has, by their heading path."""
    follower = Follower(WORKSPACE)
    follower.catch_up(workshop)
    assert all(each.document_id in follower.documents for each in follower.chunks.values())
    return {each.heading_path: each for each in follower.chunks.values()}


def indexed(workshop: Workshop, *pairs: object) -> Document:
    document = workshop.indexed(answers(*pairs))
    assert document.status is Status.INDEXED
    workshop.embedder.embedded.clear()
    return document


def test_each_question_is_a_passage_of_its_own(workshop: Workshop) -> None:
    """Question and alternatives are found each by its own vector, and lead to the answer and its units."""
    document = indexed(workshop, LEAVE, REFUND)
    assert document.chunks == 3
    chunks = found(workshop)
    assert {path: chunk.text for path, chunk in chunks.items()} == {
        ("Can I leave?",): "Yes. Any time.",
        ("How do I quit?",): "Yes. Any time.",
        ("Is there a refund?",): "Within 30 days.",
    }
    for (question,), chunk in chunks.items():
        assert chunk.kind is PassageKind.ANSWER
        assert chunk.vector == workshop.embedder.embed_query(question).astype("<f4").tobytes()
        quoted = [chunk.text[unit.start : unit.end] for unit in chunk.units]
        assert " ".join(quoted) == chunk.text
        assert len(chunk.unit_vectors) == 8 * len(chunk.units)


def test_content_comes_back_as_it_was(workshop: Workshop) -> None:
    """White space, order and all: the digest is that of what was sent."""
    content = ' { "answer" : "So.", "question":"Why?" }\n'
    said = replace(answers(), content=content)
    document = workshop.indexed(said)
    assert workshop.read.get(WORKSPACE, document.id).content == content.encode()
    assert document.bytes == len(content)


def test_edit_of_one_answer_embeds_one(workshop: Workshop) -> None:
    """An edit touches the questions of the pair that it changes; the others stay as they are."""
    document = indexed(workshop, LEAVE, REFUND)
    before = found(workshop)
    edited = json.dumps([LEAVE, REFUND | {"answer": "Within 60 days."}]).encode()
    workshop.write.patch(WORKSPACE, document.id, Patch(content=edited), "")
    workshop.index()
    assert sorted(workshop.embedder.embedded) == [
        "Contracts\nIs there a refund?\nWithin 60 days.",
        "Is there a refund?",
    ]
    after = found(workshop)
    assert after[("Is there a refund?",)].text == "Within 60 days."
    assert after[("Can I leave?",)] == before[("Can I leave?",)]


def test_removed_pair_is_gone(workshop: Workshop) -> None:
    """A pair that is taken out is found no more, its alternatives included."""
    document = indexed(workshop, LEAVE, REFUND)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=json.dumps(REFUND).encode()), "")
    workshop.index()
    assert set(found(workshop)) == {("Is there a refund?",)}


def test_deleted_document_is_gone(workshop: Workshop) -> None:
    """Deletion takes all its answers with it."""
    document = indexed(workshop, LEAVE, REFUND)
    workshop.write.delete(WORKSPACE, document.id, "")
    assert found(workshop) == {}


def test_batch_and_external_id(workshop: Workshop) -> None:
    """They are pushed with other documents, and an unchanged one costs nothing."""
    workshop.push(answers(LEAVE, external_id="faq"))
    workshop.index()
    workshop.settle()
    operation = workshop.push(answers(LEAVE, external_id="faq"))
    assert operation.counts.unchanged == 1
    workshop.push(answers(REFUND, external_id="faq"))
    workshop.index()
    assert set(found(workshop)) == {("Is there a refund?",)}


def test_patch_of_content_is_checked_against_the_type(workshop: Workshop) -> None:
    """New content of custom answers must be pairs, also when the patch does not speak of the type."""
    document = indexed(workshop, LEAVE)
    with pytest.raises(InvalidArgument) as caught:
        workshop.write.patch(WORKSPACE, document.id, Patch(content=b'{"question": "Why?"}'), "")
    assert [each.pointer for each in caught.value.violations] == ["/content/answer"]
    assert workshop.document(document.id) == document


def test_patch_of_the_type_is_checked_against_the_content(workshop: Workshop) -> None:
    """A page becomes custom answers only if it already is pairs; then its passages are of the other kind."""
    page = workshop.create(replace(answers(), content="# Page", content_type="text/markdown"))
    with pytest.raises(InvalidArgument):
        workshop.write.patch(WORKSPACE, page.id, Patch(content_type=ContentType.CUSTOM_ANSWERS), "")
    workshop.write.delete(WORKSPACE, page.id, "")
    document = workshop.indexed(replace(answers(LEAVE), content_type="text/markdown"))
    assert {each.kind for each in found(workshop).values()} == {PassageKind.PASSAGE}
    workshop.write.patch(WORKSPACE, document.id, Patch(content_type=ContentType.CUSTOM_ANSWERS), "")
    workshop.index()
    assert {each.kind for each in found(workshop).values()} == {PassageKind.ANSWER}
    workshop.write.patch(WORKSPACE, document.id, Patch(content_type=ContentType.PLAIN), "")
    workshop.index()
    assert {each.kind for each in found(workshop).values()} == {PassageKind.PASSAGE}


def test_stored_content_that_breaks_a_later_rule_fails_for_good(workshop: Workshop) -> None:
    """Should rules ever become stricter, old content fails with a reason and is not tried again and again."""
    document = workshop.create(answers(LEAVE))
    with workshop.store.write() as tx:
        tx._connection.execute(CONTENTS.update().values(content=b"{}"))
    workshop.index()
    error = workshop.document(document.id).error
    assert error == Failure("EXTRACTION_FAILED", "/content/question: is required (1 more)")
