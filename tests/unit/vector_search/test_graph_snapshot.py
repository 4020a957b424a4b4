"""The graph's snapshot on disk."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.vector_search.domain.graph import Effort, GraphCut
from services.vector_search.storage.graph_snapshot import GraphSnapshots

CUT = GraphCut(last_slot=42, recipe="hnsw 8 M=16", effort=Effort(48, 0.96, 1000, 0.95))
MANIFEST = "1-abc.graph.json"


class PowerCut(Exception):
    """The machine stops here."""


@pytest.fixture
def snapshots(tmp_path: Path) -> GraphSnapshots:
    """Return an empty cache."""
    return GraphSnapshots(tmp_path, "1-abc")


def writes(content: bytes) -> Callable[[Path], None]:
    """Return a writer as the index library is one."""

    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def body(folder: Path) -> Path:
    """Return the only graph in a folder."""
    (only,) = folder.glob("*.graph")
    return only


def test_a_snapshot_comes_back(snapshots: GraphSnapshots) -> None:
    """What was saved is loaded."""
    snapshots.save(CUT, writes(b"graph"))
    loaded = snapshots.load(CUT.recipe)
    assert loaded is not None
    assert (loaded.cut, loaded.path.read_bytes()) == (CUT, b"graph")


def test_the_newest_replaces_the_others(snapshots: GraphSnapshots, tmp_path: Path) -> None:
    """Only one graph stays on disk."""
    snapshots.save(CUT, writes(b"first"))
    snapshots.save(CUT, writes(b"second"))
    assert body(tmp_path).read_bytes() == b"second"


def truncate(path: Path) -> None:
    """Cut the last byte off."""
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def rewritten(**changes: object) -> Callable[[Path], None]:
    """Return a way to change a manifest so that its own checksum is right."""

    def rewrite(path: Path) -> None:
        described = {**json.loads(path.read_text().split("\n")[1]), **changes}
        text = json.dumps(described)
        path.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")

    return rewrite


@pytest.mark.parametrize(
    "damage", [truncate, flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")]
)
def test_a_damaged_graph_is_no_graph(
    snapshots: GraphSnapshots, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A graph that does not fit its checksum is deleted, not loaded."""
    snapshots.save(CUT, writes(b"graph" * 100))
    damage(body(tmp_path))
    assert snapshots.load(CUT.recipe) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip,
        lambda path: path.write_text("nonsense"),
        rewritten(format=1),
        rewritten(recipe="hnsw 8 M=32"),
        rewritten(last_slot="42"),
        rewritten(file="../elsewhere"),
        rewritten(sha256=None),
        rewritten(effort=None),
        rewritten(effort={"ef": 48, "recall": 7, "points": 1000, "target": 0.95}),
        rewritten(effort={"ef": "48", "recall": 1, "points": 1000, "target": 0.95}),
    ],
)
def test_a_damaged_or_old_manifest_is_no_graph(
    snapshots: GraphSnapshots, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A manifest that is damaged, of an older format or of another recipe names nothing."""
    snapshots.save(CUT, writes(b"graph"))
    damage(tmp_path / MANIFEST)
    assert snapshots.load(CUT.recipe) is None
    assert list(tmp_path.iterdir()) == []


def test_a_crash_while_writing_keeps_the_one_before(snapshots: GraphSnapshots) -> None:
    """Half a graph never replaces a whole one."""
    snapshots.save(CUT, writes(b"first"))

    def half(path: Path) -> None:
        path.write_bytes(b"sec")
        raise PowerCut

    with pytest.raises(PowerCut):
        snapshots.save(CUT, half)
    loaded = snapshots.load(CUT.recipe)
    assert loaded is not None
    assert loaded.path.read_bytes() == b"first"


def test_a_crash_between_graph_and_manifest_keeps_the_one_before(
    snapshots: GraphSnapshots, tmp_path: Path
) -> None:
    """A graph that no manifest names yet is rubbish, and the next save takes it away."""
    snapshots.save(CUT, writes(b"first"))
    (tmp_path / "1-abc.0badcafe.graph").write_bytes(b"orphan")
    (tmp_path / f"{MANIFEST}.tmp").write_text("half")
    loaded = snapshots.load(CUT.recipe)
    assert loaded is not None
    assert loaded.path.read_bytes() == b"first"
    snapshots.save(CUT, writes(b"second"))
    assert body(tmp_path).read_bytes() == b"second"


def test_other_files_are_left_alone(snapshots: GraphSnapshots, tmp_path: Path) -> None:
    """Deleting one cache touches no other workspace file or cache."""
    other = GraphSnapshots(tmp_path, "2-abc")
    other.save(CUT, writes(b"other"))
    (tmp_path / "1-abc.sqlite").write_bytes(b"state")
    snapshots.save(CUT, writes(b"graph"))
    snapshots.delete()
    assert other.load(CUT.recipe) is not None
    assert (tmp_path / "1-abc.sqlite").exists()
