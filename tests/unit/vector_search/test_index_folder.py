"""An index's snapshot on disk: whole, or not there."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.graph import Effort, GraphCut
from services.vector_search.domain.snapshot import IndexSnapshot, StoredVectors
from services.vector_search.domain.vectors import FloatMatrix
from services.vector_search.storage.index_folder import IndexFolder
from tests.fakes.power_cut import PowerCut, power_cut
from tests.fakes.vector_search_data import DIMENSIONS, unit_rows

CUT = GraphCut(last_slot=42, recipe="hnsw 8 M=16", effort=Effort(48, 0.96, 1000, 0.95))
PARTS = ("graph", "rows", "vectors", "saved")


def writes(content: bytes) -> Callable[[Path], None]:
    """Return a writer as the graph library is one."""

    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


@dataclass
class Index:
    """What a collection does with its folder: three rows at first, two more for each later snapshot."""

    cache: IndexFolder
    vectors: StoredVectors
    words: Path

    @classmethod
    def begin(cls, folder: Path) -> "Index":
        """Return an index with three rows and a file of words."""
        cache = IndexFolder(folder)
        index = cls(cache, cache.new_vectors(DIMENSIONS), cache.new_words())
        index.vectors.append(unit_rows(1, 3))
        index.write_words("first")
        return index

    def write_words(self, text: str) -> None:
        """Replace what the words' folder says, as the lexical engine does."""
        (self.words / "meta.tmp").write_text(text)
        (self.words / "meta.tmp").replace(self.words / "meta.json")
        (self.words / ".engine.lock").touch()

    def save(self, revision: int, graph: bytes = b"graph" * 100) -> None:
        """Write a snapshot of all rows."""
        draft = self.cache.draft()
        draft.add_graph(CUT, writes(graph))
        rows = len(self.vectors.matrix)
        draft.add_rows(np.arange(1, rows + 1) * 10, np.arange(rows) != 1, self.vectors)
        draft.add_words(self.words, dead=revision)
        draft.commit(revision)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the index is kept."""
    return tmp_path / "1-abc.index"


@pytest.fixture
def index(folder: Path) -> Index:
    """Return an index that has not been saved."""
    return Index.begin(folder)


def load(folder: Path) -> IndexSnapshot | None:
    """Return the snapshot as the next process finds it."""
    return IndexFolder(folder).load(DIMENSIONS)


def content(snapshot: IndexSnapshot | None) -> tuple[object, ...] | None:
    """Return all that a snapshot says."""
    if snapshot is None:
        return None
    assert snapshot.words is not None
    words = sorted((each.name, each.read_text()) for each in snapshot.words.iterdir())
    arrays = (snapshot.slots, snapshot.alive, snapshot.vectors.matrix)
    told = (snapshot.revision, snapshot.dead_words, snapshot.graph.cut, snapshot.graph.path.read_bytes())
    return (*told, *(each.tolist() for each in arrays), words)


def expected(revision: int, vectors: FloatMatrix, words: str, graph: bytes = b"graph" * 100) -> object:
    """Return what a snapshot is to say."""
    rows = len(vectors)
    slots, alive = [10 * (n + 1) for n in range(rows)], [n != 1 for n in range(rows)]
    return (revision, revision, CUT, graph, slots, alive, vectors.tolist(), [("meta.json", words)])


def names(folder: Path) -> list[str]:
    """Return what kinds of things lie in a folder."""
    return sorted(each.name.partition("-")[0] for each in folder.iterdir())


def test_a_snapshot_comes_back(index: Index, folder: Path) -> None:
    """What was saved is loaded, all parts of it."""
    index.save(7)
    assert content(load(folder)) == expected(7, unit_rows(1, 3), "first")


def test_without_a_snapshot_there_is_nothing(folder: Path) -> None:
    """No folder, or an empty one, is an index that was never saved."""
    assert load(folder) is None
    Index.begin(folder)
    assert load(folder) is None
    assert not folder.exists()


def test_what_comes_later_is_not_in_it(index: Index, folder: Path) -> None:
    """Rows that are appended and words that change after the snapshot leave it as it is."""
    index.save(7)
    index.vectors.append(unit_rows(2, 2000))
    index.write_words("second")
    assert content(load(folder)) == expected(7, unit_rows(1, 3), "first")


def test_it_can_be_gone_on_with(index: Index, folder: Path) -> None:
    """After a restart, rows are appended to the same file and words written to a copy."""
    index.save(7)
    index.vectors.append(unit_rows(2, 1))
    cache = IndexFolder(folder)
    found = cache.load(DIMENSIONS)
    assert found is not None
    assert found.words is not None
    again = Index(cache, found.vectors, found.words)
    again.vectors.append(unit_rows(3, 2))
    again.write_words("second")
    assert content(load(folder)) == expected(7, unit_rows(1, 3), "first")


def test_the_newest_replaces_the_others(index: Index, folder: Path) -> None:
    """Only one snapshot stays on disk, beside what is in use."""
    index.save(7)
    index.vectors.append(unit_rows(2, 2))
    index.write_words("second")
    index.save(8, b"other")
    assert names(folder) == ["graph", "manifest.json", "rows", "saved", "vectors", "words"]
    both = np.concatenate((unit_rows(1, 3), unit_rows(2, 2)))
    assert content(load(folder)) == expected(8, both, "second", b"other")


def test_the_manifest_is_replaced_and_not_written_to(index: Index, folder: Path) -> None:
    """Whoever has the one before open reads it to its end."""
    index.save(7)
    with (folder / "manifest.json").open() as before:
        index.save(8)
        assert '"revision": 7' in before.read()


def test_what_a_crash_left_goes_at_the_next_start(index: Index, folder: Path) -> None:
    """Parts that the manifest does not name are rubbish."""
    index.save(7)
    (folder / "graph-00").write_bytes(b"half")
    (folder / "manifest.json.tmp").write_text("half")
    (folder / "saved-00").mkdir()
    (folder / "saved-00" / "meta.json").write_text("half")
    assert load(folder) is not None
    assert names(folder) == ["graph", "manifest.json", "rows", "saved", "vectors", "words"]


def test_what_is_no_longer_used_goes_with_the_next(index: Index, folder: Path) -> None:
    """A file of vectors stays as long as the snapshot names it; who reads it reads on."""
    index.save(7)
    before = index.vectors
    index.vectors = index.cache.new_vectors(DIMENSIONS)
    index.vectors.append(unit_rows(5, 4))
    index.cache.retire(before)
    assert names(folder).count("vectors") == 2
    index.save(8)
    assert names(folder).count("vectors") == 1
    assert before.matrix.tolist() == unit_rows(1, 3).tolist()
    assert content(load(folder)) == expected(8, unit_rows(5, 4), "first")


def truncate(path: Path) -> None:
    """Cut the last byte of what was saved off."""
    path.write_bytes(path.read_bytes()[: min(path.stat().st_size, 3 * DIMENSIONS * 4) - 1])


def flip(path: Path) -> None:
    """Change one bit."""
    raw = bytearray(path.read_bytes())
    raw[min(len(raw) // 2, 17)] ^= 1
    path.write_bytes(bytes(raw))


def rewritten(**changes: object) -> Callable[[Path], None]:
    """Return a way to change a manifest so that its own checksum is right."""

    def rewrite(path: Path) -> None:
        told = json.loads(path.read_text().split("\n")[1])
        for name, value in changes.items():
            part, _, field = name.partition("__")
            if field:
                told[part][field] = value
            else:
                told[part] = value
        text = json.dumps(told)
        path.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")

    return rewrite


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "damage", [truncate, flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")]
)
def test_a_damaged_part_is_no_snapshot(
    index: Index, folder: Path, part: str, damage: Callable[[Path], None]
) -> None:
    """Whichever part does not fit its checksum, everything is deleted and nothing loaded."""
    index.save(7)
    (path,) = folder.glob(f"{part}-*")
    damage(path / "meta.json" if path.is_dir() else path)
    assert load(folder) is None
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip,
        lambda path: path.write_text("nonsense"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        rewritten(format=2),
        rewritten(revision="7"),
        rewritten(cut=None),
        rewritten(cut__last_slot="42"),
        rewritten(cut__effort={"ef": 48, "recall": 7, "points": 1000, "target": 0.95}),
        rewritten(cut__effort={"ef": "48", "recall": 1, "points": 1000, "target": 0.95}),
        rewritten(graph=None),
        rewritten(graph__file="../elsewhere"),
        rewritten(graph__sha256=None),
        rewritten(vectors__bytes=2 * DIMENSIONS * 4),
        rewritten(vectors__bytes=5),
        rewritten(words={}),
        rewritten(words=[{"file": "saved-00/../../x", "bytes": 1, "sha256": ""}]),
        rewritten(dead_words=None),
    ],
)
def test_a_damaged_or_old_manifest_is_no_snapshot(
    index: Index, folder: Path, damage: Callable[[Path], None]
) -> None:
    """A manifest that is damaged, of another format or that says what can't be names nothing."""
    index.save(7)
    damage(folder / "manifest.json")
    assert IndexFolder(folder).prepared_bytes() >= 0
    assert load(folder) is None
    assert not folder.exists()


def test_rows_and_vectors_belong_together(index: Index, folder: Path) -> None:
    """Another number of vectors than of rows is no snapshot, although each is whole."""
    index.save(7)
    two = unit_rows(1, 3)[:2].tobytes()
    rewritten(vectors__bytes=len(two), vectors__sha256=hashlib.sha256(two).hexdigest())(
        folder / "manifest.json"
    )
    assert load(folder) is None


def test_a_crash_between_any_two_steps_leaves_a_whole_snapshot(tmp_path: Path) -> None:
    """Wherever the machine stops while a snapshot is replaced, the next start finds the one or the other."""
    first = expected(7, unit_rows(1, 3), "first")
    second = expected(8, np.concatenate((unit_rows(1, 3), unit_rows(2, 2))), "second", b"other")
    found: list[object] = []
    for steps in range(200):
        folder = tmp_path / f"{steps}.index"
        index = Index.begin(folder)
        index.save(7)
        index.vectors.append(unit_rows(2, 2))
        index.write_words("second")
        try:
            with power_cut(folder, steps):
                index.save(8, b"other")
        except PowerCut:
            found.append(content(load(folder)))
            continue
        break
    assert found.index(second) > 10
    assert len(found) - found.index(second) > 2
    assert found == [first] * found.index(second) + [second] * (len(found) - found.index(second))


def test_a_crash_between_any_two_steps_of_the_first_leaves_none_or_it(tmp_path: Path) -> None:
    """Nor does a first snapshot that was not finished leave rubbish."""
    for steps in range(200):
        folder = tmp_path / f"{steps}.index"
        index = Index.begin(folder)
        try:
            with power_cut(folder, steps):
                index.save(7)
        except PowerCut:
            found = content(load(folder))
            assert found in (None, expected(7, unit_rows(1, 3), "first"))
            assert folder.exists() == (found is not None)
            continue
        break
    assert steps > 10


def test_a_failed_draft_leaves_the_one_before(index: Index, folder: Path) -> None:
    """What was written of a snapshot that failed is deleted at once: the disk may be full."""
    index.save(7)
    draft = index.cache.draft()
    draft.add_graph(CUT, writes(b"half"))
    draft.add_words(index.words, 0)
    draft.discard()
    assert names(folder) == ["graph", "manifest.json", "rows", "saved", "vectors", "words"]
    assert content(load(folder)) == expected(7, unit_rows(1, 3), "first")


def test_what_is_in_use_survives_forgetting(index: Index, folder: Path) -> None:
    """The snapshot goes, the running collection's files stay."""
    index.save(7)
    index.cache.delete()
    assert names(folder) == ["vectors", "words"]
    index.save(8)
    assert content(load(folder)) == expected(8, unit_rows(1, 3), "first")


def test_files_of_others_are_left_alone(index: Index, folder: Path) -> None:
    """Forgetting one index touches nothing beside its folder."""
    other = Index.begin(folder.with_name("2-abc.index"))
    other.save(3)
    folder.with_name("1-abc.sqlite").write_bytes(b"state")
    index.save(7)
    IndexFolder(folder).delete()
    assert not folder.exists()
    assert content(load(folder.with_name("2-abc.index"))) == expected(3, unit_rows(1, 3), "first")
    assert folder.with_name("1-abc.sqlite").exists()


def test_how_much_it_takes_is_known_before(index: Index, folder: Path) -> None:
    """The size of graph, rows and words is told without reading them."""
    assert IndexFolder(folder).prepared_bytes() == 0
    index.save(7)
    assert IndexFolder(folder).prepared_bytes() == 500 + 3 * 9 + len("first")


def test_a_snapshot_goes_on_without_its_words(index: Index, folder: Path) -> None:
    """What may have words of what is gone loses them, all else of it stays."""
    index.save(0)
    index.write_words("second")
    assert index.cache.forget_words(5)
    assert sorted(each.name for each in folder.glob("saved-*")) == []
    snapshot = load(folder)
    assert snapshot is not None
    assert (snapshot.words, snapshot.dead_words, snapshot.revision) == (None, 0, 0)
    assert snapshot.graph.path.read_bytes() == b"graph" * 100
    assert snapshot.vectors.matrix.tolist() == unit_rows(1, 3).tolist()


def test_a_snapshot_with_nothing_dead_keeps_its_words(index: Index, folder: Path) -> None:
    """Words of a snapshot that is not older than what is gone have nothing of it."""
    draft = index.cache.draft()
    draft.add_graph(CUT, writes(b"graph"))
    draft.add_rows(np.arange(1, 4) * 10, np.ones(3, dtype=np.bool_), index.vectors)
    draft.add_words(index.words, dead=0)
    draft.commit(7)
    assert not index.cache.forget_words(7)
    assert len(list(folder.glob("saved-*"))) == 1
    assert index.cache.forget_words(8)
    assert list(folder.glob("saved-*")) == []


def test_words_that_are_no_longer_used_go_too(index: Index, folder: Path) -> None:
    """A lexical index that was made anew leaves the disk, one that is used stays."""
    before, index.words = index.words, index.cache.new_words()
    index.cache.retire(before)
    assert not index.cache.forget_words(1)
    assert list(folder.glob("words-*")) == [index.words]


def test_words_that_can_t_be_deleted_are_told(index: Index, folder: Path) -> None:
    """Nothing is taken for erased that is still there."""
    index.save(0)
    (folder / "manifest.json.tmp").mkdir()
    with pytest.raises(StoreUnavailable):
        index.cache.forget_words(5)


def test_a_snapshot_gets_words_again(index: Index, folder: Path) -> None:
    """With the graph that it had, and rows and words of now."""
    index.save(7)
    index.cache.forget_words(8)
    index.vectors.append(unit_rows(2, 2))
    index.write_words("second")
    draft = index.cache.draft()
    draft.keep_graph()
    draft.add_rows(np.arange(1, 6) * 10, np.arange(5) != 1, index.vectors)
    draft.add_words(index.words, dead=9)
    draft.commit(9)
    vectors = np.concatenate((unit_rows(1, 3), unit_rows(2, 2)))
    assert content(load(folder)) == expected(9, vectors, "second")
    assert names(folder).count("graph") == 1


def test_without_a_snapshot_there_is_no_graph_to_keep(index: Index) -> None:
    """A draft that wants one is refused."""
    with pytest.raises(StoreUnavailable):
        index.cache.draft().keep_graph()
