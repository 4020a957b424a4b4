"""A workspace's file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.domain.changes import ChangeSet, EmbeddingModel
from services.vector_search.domain.errors import ChangesRefused, StoreDamaged, StoreUnavailable
from services.vector_search.domain.ports import Delta
from services.vector_search.domain.units import Units
from services.vector_search.storage.workspace_file import _OWNERS, WorkspaceFile
from tests.fakes.vector_search_data import ACME, DIMENSIONS, a_chunk, a_document, some_units

MODEL = EmbeddingModel("fake-model", DIMENSIONS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file is."""
    return tmp_path / "1-abc.sqlite"


@pytest.fixture
def file(path: Path) -> WorkspaceFile:
    """Return an empty file."""
    return WorkspaceFile.create(path, ACME, 1, "abc", MODEL)


def write(file: WorkspaceFile, revision: int, **changes: object) -> Delta:
    """Apply one change set."""
    return file.apply([ChangeSet(revision, **changes)])  # type: ignore[arg-type]


def filled(file: WorkspaceFile) -> WorkspaceFile:
    """Write a document with three passages."""
    write(file, 1, documents=(a_document("x"),), chunks=tuple(a_chunk(name, "x") for name in "abc"))
    return file


def live(file: WorkspaceFile) -> dict[str, int]:
    """Return the slot of each passage."""
    slots = [int(slot) for batch in file.contents() for slot in batch.slots]
    return {chunk_id: slot for slot, chunk_id in file.chunk_ids(slots).items()}


def test_state_survives_reopening(file: WorkspaceFile, path: Path) -> None:
    """Everything that was applied is there after the process is gone."""
    filled(file).settle(4)
    again = WorkspaceFile.open(path)
    assert again.info == file.info
    assert (again.info.revision, again.info.complete, again.count()) == (4, True, 3)
    assert again.documents() == [a_document("x")]
    (batch,) = list(again.contents())
    assert np.array_equal(batch.vectors, np.stack([a_chunk(name, "x").vector for name in "abc"]))
    assert batch.words == [f"About x\nHelp\nwords of {name}" for name in "abc"]


def test_passages_carry_all_that_an_answer_needs(file: WorkspaceFile) -> None:
    """Title and address come from the document."""
    slots = live(filled(file))
    passage = file.passages([slots["chunk_b"]])[slots["chunk_b"]]
    assert (passage.title, passage.url) == ("About x", "https://example.com/x")
    assert (passage.chunk_id, passage.heading_path, passage.text) == ("chunk_b", ("Help",), "words of b")
    assert passage.kind == "passage"


def test_a_custom_answer_is_told_apart(file: WorkspaceFile) -> None:
    """Its kind is kept, and its words are found as those of others."""
    write(file, 1, documents=(a_document("x"),), chunks=(a_chunk("a", "x", kind="answer"),))
    assert file.passages([1])[1].kind == "answer"
    (batch,) = file.contents()
    assert batch.words == ["About x\nHelp\nwords of a"]


def test_units_are_as_they_came(file: WorkspaceFile, path: Path) -> None:
    """Each passage has its own, none included, also after the process is gone."""
    given = [some_units(seed, seed) for seed in range(100)]
    chunks = tuple(a_chunk(f"{n:02}", "x", units=units) for n, units in enumerate(given))
    write(file, 1, chunks=chunks)
    file.close()
    found = WorkspaceFile.open(path).units(range(1, 101))
    assert [found[slot] for slot in range(1, 101)] == given


def test_units_alone_make_a_passage_another(file: WorkspaceFile) -> None:
    """A passage that only got other units has a new slot, and the old one's stay for searches under way."""
    filled(file)
    changed = a_chunk("b", "x", units=some_units(77, 2))
    delta = write(file, 2, chunks=(changed,))
    assert (delta.removed.tolist(), delta.added.slots.tolist()) == ([2], [4])
    assert file.units([2, 4]) == {2: a_chunk("b", "x").units, 4: changed.units}
    write(file, 3)
    with pytest.raises(StoreDamaged):
        file.units([2])


def test_what_goes_takes_its_units_with_it(file: WorkspaceFile, path: Path) -> None:
    """Nothing of a deleted passage stays on the disk."""
    write(filled(file), 2, deleted_documents=("doc_x",))
    write(file, 3, chunks=(a_chunk("d", "x"),))
    rows = "SELECT slot FROM units WHERE encoded <> x'' OR vectors <> x'' OR checksum <> 0"
    assert sqlite3.connect(path).execute(rows).fetchall() == [(4,)]


def test_whoever_wants_no_units_reads_none(file: WorkspaceFile, path: Path) -> None:
    """Searches and starts go without the table, which is larger than all others."""
    slots = list(live(filled(file)).values())
    edited("DROP TABLE units")(path)
    again = WorkspaceFile.open(path)
    assert len(again.passages(slots)) == sum(len(batch.slots) for batch in again.contents()) == 3


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM units WHERE slot = 3",
        "UPDATE units SET slot = 9 WHERE slot = 3",
        "UPDATE units SET encoded = (SELECT encoded FROM units WHERE slot = 1) WHERE slot = 3",
        "UPDATE units SET vectors = zeroblob(length(vectors)) WHERE slot = 3",
        "UPDATE units SET vectors = x'' WHERE slot = 3",
        "UPDATE units SET checksum = checksum + 1 WHERE slot = 3",
        "UPDATE units SET (encoded, vectors, checksum) = "
        "(SELECT encoded, vectors, checksum FROM units WHERE slot = 1) WHERE slot = 3",
    ],
)
def test_damaged_units_are_noticed(file: WorkspaceFile, path: Path, sql: str) -> None:
    """They are checked whenever they are read, also whether they are this passage's."""
    slots = list(live(filled(file)).values())
    assert file.units(slots)
    edited(sql)(path)
    with pytest.raises(StoreDamaged):
        file.units(slots)


def test_a_unit_s_vector_of_another_length_is_refused(file: WorkspaceFile) -> None:
    """It would be no vector of this model; nothing of it stays."""
    filled(file)
    with pytest.raises(ChangesRefused):
        write(file, 2, chunks=(a_chunk("y", "x", units=Units(b"", bytes(DIMENSIONS + 1))),))
    assert (file.info.revision, sorted(live(file))) == (1, ["chunk_a", "chunk_b", "chunk_c"])


def test_a_changed_passage_gets_a_new_slot(file: WorkspaceFile) -> None:
    """The old slot goes and never comes back."""
    before = live(filled(file))
    delta = write(file, 2, chunks=(a_chunk("a", "x", text="new"),))
    assert delta.removed.tolist() == [before["chunk_a"]]
    assert delta.added.slots.tolist() == [max(before.values()) + 1]
    write(file, 3, deleted_chunks=("chunk_a",))
    assert write(file, 4, chunks=(a_chunk("z", "x"),)).added.slots[0] > delta.added.slots[0]


def test_a_document_takes_its_passages_with_it(file: WorkspaceFile) -> None:
    """Deleting a document needs no mention of its passages."""
    slots = live(filled(file))
    delta = write(file, 2, deleted_documents=("doc_x",))
    assert delta.removed.tolist() == sorted(slots.values())
    assert delta.removed_documents == ("doc_x",)
    assert (file.count(), live(file), file.documents()) == (0, {}, [])


def test_what_goes_stays_readable_until_the_next_change(file: WorkspaceFile) -> None:
    """A search that began before a deletion can still show what it found."""
    slots = list(live(filled(file)).values())
    write(file, 2, deleted_documents=("doc_x",))
    passages = file.passages(slots)
    assert [passages[slot].title for slot in slots] == ["About x"] * 3
    write(file, 3, documents=(a_document("y"),))
    with pytest.raises(StoreDamaged):
        file.passages(slots)


def test_a_new_title_changes_words_of_passages_that_stay(file: WorkspaceFile) -> None:
    """A patch of a document changes no passage, but what they are found by."""
    slots = live(filled(file))
    delta = write(file, 2, documents=(a_document("x", title="Other"),))
    assert delta.added.slots.size == delta.removed.size == 0
    assert delta.reworded[slots["chunk_a"]] == "Other\nHelp\nwords of a"


@pytest.mark.parametrize(
    ("changes", "relabelled"),
    [({"title": "Other"}, True), ({"url": "https://example.com/moved"}, True), ({"tags": ("a",)}, False)],
)
def test_passages_of_a_relabelled_document_are_told(
    file: WorkspaceFile, changes: dict[str, object], relabelled: bool
) -> None:
    """Title and address are shown with a passage, so that whoever keeps a copy must know."""
    slots = live(filled(file))
    delta = write(file, 2, documents=(a_document("x", **changes),), chunks=(a_chunk("a", "x"),))
    stay = {slot for name, slot in slots.items() if name != "chunk_a"}
    assert set(delta.relabelled.tolist()) == (stay if relabelled else set())


def test_other_attributes_reword_nothing(file: WorkspaceFile) -> None:
    """A patch of tags leaves the lexical index alone."""
    filled(file)
    delta = write(file, 2, documents=(a_document("x", tags=("a",), active=False),))
    assert delta.reworded == {}
    assert file.documents()[0].tags == ("a",)


def test_within_one_batch_later_sets_win(file: WorkspaceFile) -> None:
    """What a batch adds and removes again never shows."""
    delta = file.apply(
        [
            ChangeSet(1, documents=(a_document("x"),), chunks=(a_chunk("a", "x"), a_chunk("b", "x"))),
            ChangeSet(2, deleted_chunks=("chunk_a",)),
            ChangeSet(5, chunks=(a_chunk("b", "x", text="again"),)),
        ]
    )
    assert delta.revision == 5
    assert (delta.removed.tolist(), len(delta.added.slots)) == ([], 1)
    assert delta.added.words == ["About x\nHelp\nagain"]
    assert (file.count(), sorted(live(file))) == (1, ["chunk_b"])


def test_a_refused_batch_leaves_no_trace(file: WorkspaceFile) -> None:
    """A vector of another length undoes the whole transaction."""
    filled(file)
    with pytest.raises(ChangesRefused):
        write(file, 2, chunks=(a_chunk("y", "x"), a_chunk("z", "x", dimensions=3)))
    assert (file.info.revision, sorted(live(file))) == (1, ["chunk_a", "chunk_b", "chunk_c"])
    write(file, 2, chunks=(a_chunk("y", "x"),))


@pytest.mark.parametrize("revision", [0, 1])
def test_revisions_only_ascend(file: WorkspaceFile, revision: int) -> None:
    """A revision that was applied is not applied again."""
    filled(file)
    with pytest.raises(ChangesRefused):
        write(file, revision, chunks=(a_chunk("y", "x"),))


def edited(sql: str) -> Callable[[Path], None]:
    """Return a way to damage a file by SQL."""

    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(sql)
        connection.commit()
        connection.close()

    return damage


def truncated(path: Path) -> None:
    """Cut a file in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scrambled(path: Path) -> None:
    """Overwrite the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[4096:] = bytes(byte ^ 0x5A for byte in raw[4096:])
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        scrambled,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database at all, but long enough to be looked at" * 100),
        lambda path: path.unlink(),
        edited("PRAGMA user_version = 0"),
        edited("PRAGMA application_id = 1"),
        edited("UPDATE state SET revision = 7"),
        edited("UPDATE state SET dimensions = 4"),
        edited("DELETE FROM state"),
        edited("DROP TABLE chunks"),
        edited("UPDATE chunks SET text = 'other' WHERE slot = 2"),
        edited("UPDATE chunks SET document_id = 'doc_y' WHERE slot = 2"),
        edited("UPDATE chunks SET kind = 'answer' WHERE slot = 2"),
        edited("UPDATE chunks SET dead = 1 WHERE slot = 2"),
        edited("DELETE FROM chunks WHERE slot = 2"),
        edited("DELETE FROM vectors WHERE slot = 2"),
        edited("UPDATE vectors SET vector = zeroblob(32) WHERE slot = 2"),
        edited("UPDATE vectors SET vector = x'00' WHERE slot = 2"),
        edited("UPDATE documents SET authenticated = 1 - authenticated"),
        edited("UPDATE documents SET tags = '['"),
    ],
)
def test_damage_is_noticed(file: WorkspaceFile, path: Path, damage: Callable[[Path], None]) -> None:
    """However a file was damaged, reading all of it says so; no wrong content comes out."""
    filled(file).close()
    damage(path)

    def read() -> None:
        again = WorkspaceFile.open(path)
        again.verify()
        again.documents()
        list(again.contents())

    with pytest.raises(StoreDamaged):
        read()


def test_damage_after_loading_is_noticed_too(file: WorkspaceFile, path: Path) -> None:
    """A payload is checked whenever it is read."""
    slots = live(filled(file))
    edited("UPDATE chunks SET text = 'other' WHERE chunk_id = 'chunk_b'")(path)
    assert file.passages([slots["chunk_a"]])
    with pytest.raises(StoreDamaged):
        file.passages([slots["chunk_b"]])


def test_every_flipped_bit_is_noticed_or_harmless(file: WorkspaceFile, path: Path) -> None:
    """A changed byte anywhere is noticed, or lies where nothing is read."""
    filled(file).close()
    whole = path.read_bytes()
    good = _content(path)
    for place in range(0, len(whole), 97):
        raw = bytearray(whole)
        raw[place] ^= 0x04
        path.write_bytes(bytes(raw))
        try:
            content = _content(path)
        except StoreDamaged:
            continue
        assert content == good


def _content(path: Path) -> object:
    file = WorkspaceFile.open(path)
    try:
        file.verify()
        return (
            file.info,
            file.documents(),
            [(b.slots.tolist(), b.document_ids, b.words, b.vectors.tobytes()) for b in file.contents()],
            file.passages([1, 2, 3]),
            file.units([1, 2, 3]),
        )
    finally:
        file.close()


def owners(file: WorkspaceFile) -> dict[int, str]:
    """Return whose passage is in each slot."""
    return {int(s): d for slots, names in file.owners() for s, d in zip(slots, names, strict=True)}


def test_owners_are_known_without_reading_texts(file: WorkspaceFile, path: Path) -> None:
    """Which passages live, and whose they are, comes from an index that has both."""
    write(file, 1, documents=(a_document("x"),), chunks=(a_chunk("a", "x"), a_chunk("b", "y")))
    write(file, 2, chunks=(a_chunk("c", "x"),), deleted_chunks=("chunk_a",))
    assert owners(file) == {2: "doc_y", 3: "doc_x"}
    plan = sqlite3.connect(path).execute(f"EXPLAIN QUERY PLAN {_OWNERS}").fetchall()
    assert "COVERING INDEX live_chunk_documents" in plan[0][3]


def test_owners_that_are_too_few_are_noticed(file: WorkspaceFile, path: Path) -> None:
    """A passage that is missing is damage, also where no text is read."""
    filled(file)
    edited("UPDATE chunks SET dead = 1 WHERE slot = 2")(path)
    with pytest.raises(StoreDamaged):
        owners(file)


def test_owners_that_differ_from_the_passages_are_noticed(file: WorkspaceFile, path: Path) -> None:
    """A document's id that changed in the index alone is found by the whole check."""
    before = owners(filled(file))
    file.checkpoint()
    file.close()
    whole = path.read_bytes()
    places = [place for place in range(len(whole)) if whole.startswith(b"doc_x", place)]
    wrong = 0
    for place in places:
        path.write_bytes(whole[:place] + b"doc_q" + whole[place + 5 :])
        again = WorkspaceFile.open(path)
        if owners(again) != before:
            wrong += 1
            with pytest.raises(StoreDamaged):
                again.verify()
        again.close()
    assert wrong == 3


def test_contents_can_begin_after_a_slot(file: WorkspaceFile) -> None:
    """What an index has already is not read again."""
    filled(file)
    assert [int(slot) for batch in file.contents(after=2) for slot in batch.slots] == [3]
    assert list(file.contents(after=3)) == []


def test_passages_whose_title_changed_since_a_revision(file: WorkspaceFile, path: Path) -> None:
    """A title that is the same again, a patch of anything else and new passages do not count."""
    documents = (a_document("x"), a_document("y"))
    write(file, 1, documents=documents, chunks=(a_chunk("a", "x"), a_chunk("b", "y"), a_chunk("c", "z")))
    write(file, 2, documents=(a_document("x", locale="de"), a_document("y", title="Other")))
    write(file, 3, documents=(a_document("y", title="Other"), a_document("z")))
    since = [dict(WorkspaceFile.open(path).reworded(revision)) for revision in range(4)]
    assert [sorted(each) for each in since] == [[1, 2, 3], [2, 3], [3], []]
    assert since[1] == {2: "Other\nHelp\nwords of b", 3: "About z\nHelp\nwords of c"}


def test_the_last_slot_counts_what_is_gone(file: WorkspaceFile) -> None:
    """A slot that was given out once is never free again."""
    assert file.last_slot() == 0
    filled(file)
    write(file, 2, deleted_chunks=("chunk_c",))
    write(file, 3)
    assert (file.last_slot(), sorted(live(file).values())) == (3, [1, 2])


def test_after_a_checkpoint_the_log_is_not_needed(file: WorkspaceFile, path: Path) -> None:
    """Everything is in the file itself, which is what survives a power cut."""
    filled(file)
    path.with_name("before").write_bytes(path.read_bytes())
    file.checkpoint()
    path.with_name("after").write_bytes(path.read_bytes())
    assert WorkspaceFile.open(path.with_name("before")).info.revision == 0
    assert WorkspaceFile.open(path.with_name("after")).info.revision == 1


def test_a_checkpoint_says_what_it_could_not_do(file: WorkspaceFile, path: Path) -> None:
    """While somebody reads an older state, it can't be complete."""
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM state").fetchall()
    filled(file)
    with pytest.raises(StoreUnavailable):
        file.checkpoint()
    reader.execute("COMMIT")
    reader.close()
    file.checkpoint()


def test_reading_that_outlasts_the_end_keeps_nothing(file: WorkspaceFile) -> None:
    """Whoever still reads when the file is let go reads to the end; then nothing is open."""
    reading = filled(file).owners()
    next(reading)
    file.close()
    assert list(reading) == []
    assert file._idle == []


def test_a_locked_file_is_not_damaged(file: WorkspaceFile, path: Path) -> None:
    """What passes is told apart from damage, so that nothing whole is thrown away."""
    filled(file)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    file._writer.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(StoreUnavailable):
        write(file, 2, chunks=(a_chunk("y", "x"),))
    other.execute("ROLLBACK")
    other.close()
    write(file, 2, chunks=(a_chunk("y", "x"),))
