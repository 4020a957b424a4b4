"""
What a workspace's index is made of, in a folder beside the workspace's file: a cache, checksummed.

A manifest names the parts of the newest snapshot: the graph, the rows, the vectors and the lexical index's
files. It is replaced last and by one rename, so that it names a whole snapshot or the one before. What it
does not name and nobody uses is rubbish.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.graph import GraphCut, GraphSnapshot
from services.vector_search.domain.snapshot import Alive, IndexSnapshot, StoredVectors
from services.vector_search.domain.vectors import Slots
from services.vector_search.storage.manifest import Manifest, Part, flush
from services.vector_search.storage.vector_file import VectorFile

_log = structlog.get_logger(__name__)

_MANIFEST = "manifest.json"
_SLOT = np.dtype("<i8")


class IndexFolder:
    """The index cache port over one folder, made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifest = folder / _MANIFEST
        # Names in the folder that the running collection has.
        self._used: set[str] = set()

    def new_vectors(self, dimensions: int) -> StoredVectors:
        """Return an empty file for vectors. Raises StoreUnavailable."""
        try:
            return VectorFile(self._new("vectors"), dimensions)
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    def new_words(self) -> Path:
        """Return an empty folder for a lexical index. Raises StoreUnavailable."""
        try:
            path = self._new("words")
            path.mkdir()
        except OSError as error:
            raise StoreUnavailable(str(error)) from error
        return path

    def retire(self, used: StoredVectors | Path) -> None:
        """Note that vectors or a folder are no longer used; the next sweep takes what no snapshot names."""
        if isinstance(used, VectorFile):
            used.close()
            self._used.discard(used.path.name)
        elif isinstance(used, Path):
            self._used.discard(used.name)

    def draft(self) -> "Draft":
        """Begin a snapshot."""
        return Draft(self._folder, self._read, self.sweep)

    def load(self, dimensions: int) -> IndexSnapshot | None:
        """
        Return the snapshot, None where there is none that is whole, or the disk refuses.

        What is damaged or of another version is reported and deleted.
        """
        try:
            manifest = self._read()
            if manifest is None:
                self.sweep(frozenset())
                return None
            snapshot = self._opened(manifest, dimensions)
        except StoreUnavailable as error:
            _log.warning("index snapshot not used", snapshot=self._folder.name, problem=str(error))
            self._used.clear()
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("index snapshot dropped", snapshot=self._folder.name, problem=str(error))
            self._used.clear()
            self.delete()
            return None
        self.sweep(manifest.files)
        return snapshot

    def forget_words(self, gone_at: int) -> bool:
        """Have no words in the folder but those in use, and those of a snapshot that has nothing dead."""
        try:
            try:
                manifest = self._read()
            except (ValueError, KeyError, TypeError) as error:
                _log.warning("index snapshot dropped", snapshot=self._folder.name, problem=str(error))
                manifest = None
            if manifest is None:
                self.delete()
            else:
                if manifest.dead_words or manifest.revision < gone_at:
                    manifest = replace(manifest, words=(), dead_words=0)
                    _put_in_place(_written(manifest, self._folder))
                self.sweep(manifest.files)
            named = manifest.files if manifest else ()
            known = {each.partition("/")[0] for each in named}
            if any(each.name not in known | self._used for each in self._folder.glob("[sw]*-*")):
                raise StoreUnavailable("what an index was made of can't be deleted")
            return manifest is not None and not manifest.words
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    def prepared_bytes(self) -> int:
        """Return the size of the snapshot's graph and words, 0 where there is none."""
        try:
            manifest = self._read()
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        if manifest is None:
            return 0
        return sum(each.bytes for each in (manifest.graph, manifest.rows, *manifest.words))

    def delete(self) -> None:
        """Forget the snapshot and everything that is not in use."""
        self._manifest.unlink(missing_ok=True)
        self.sweep(frozenset())

    def sweep(self, named: frozenset[str]) -> None:
        """Delete what is neither named nor in use."""
        if not self._folder.exists():
            return
        # Looked at first: what another thread makes meanwhile is not among them.
        present = list(self._folder.iterdir())
        kept = {each.partition("/")[0] for each in named} | self._used
        if named:
            kept.add(_MANIFEST)
        _remove(each for each in present if each.name not in kept)
        if not kept:
            self._folder.rmdir()

    def _new(self, kind: str) -> Path:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{kind}-{secrets.token_hex(4)}"
        self._used.add(path.name)
        return path

    def _read(self) -> Manifest | None:
        return Manifest.read(self._manifest.read_text()) if self._manifest.exists() else None

    def _opened(self, manifest: Manifest, dimensions: int) -> IndexSnapshot:
        slots, alive = _rows(manifest.rows.require(self._folder))
        graph = GraphSnapshot(manifest.cut, manifest.graph.require(self._folder))
        for each in manifest.words:
            each.require(self._folder)
        vectors = VectorFile(self._folder / manifest.vectors.file, dimensions)
        try:
            self._used.add(vectors.path.name)
            vectors.take(manifest.vectors.bytes, manifest.vectors.sha256)
            if vectors.rows != len(slots):
                raise ValueError("the vectors are not those of the rows")
            words = self._linked(manifest) if manifest.words else None
        except BaseException:
            vectors.close()
            raise
        return IndexSnapshot(
            manifest.revision, graph, slots, alive, vectors, words, dead_words=manifest.dead_words
        )

    def _linked(self, manifest: Manifest) -> Path:
        words = self.new_words()
        try:
            _link((self._folder / each.file for each in manifest.words), words)
        except OSError as error:
            raise StoreUnavailable(str(error)) from error
        return words


class Draft:
    """The snapshot draft port: parts beside those of the snapshot before."""

    def __init__(
        self, folder: Path, read: Callable[[], Manifest | None], sweep: Callable[[frozenset[str]], None]
    ) -> None:
        self._folder = folder
        self._read = read
        self._sweep = sweep
        self._token = secrets.token_hex(4)
        self._committed = False
        self._cut: GraphCut | None = None
        # Of the snapshot before; None: written anew.
        self._kept: Part | None = None
        self._rows: tuple[Slots, Alive] | None = None
        self._vectors: tuple[VectorFile, Part] | None = None
        self._dead_words = 0

    def add_graph(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Have the graph written."""
        self._folder.mkdir(exist_ok=True)
        write(self._path("graph"))
        self._cut = cut

    def keep_graph(self) -> None:
        """Take the graph of the snapshot that there is."""
        try:
            manifest = self._read()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreUnavailable(str(error)) from error
        if manifest is None:
            raise StoreUnavailable("there is no snapshot")
        self._cut, self._kept = manifest.cut, manifest.graph

    def add_rows(self, slots: Slots, alive: Alive, vectors: StoredVectors) -> None:
        """Note the rows; their vectors are in their file."""
        assert isinstance(vectors, VectorFile)
        self._rows = (slots.copy(), alive.copy())
        self._vectors = (vectors, Part(vectors.path.name, vectors.bytes, vectors.sha256))

    def add_words(self, folder: Path, dead: int) -> None:
        """Link the files: the lexical index never changes one, it only replaces them."""
        self._path("saved").mkdir()
        _link((each for each in folder.iterdir() if not each.name.endswith(".lock")), self._path("saved"))
        self._dead_words = dead

    def commit(self, revision: int) -> None:
        """Have every part on disk, then name them."""
        assert self._cut is not None
        assert self._rows is not None
        assert self._vectors is not None
        slots, alive = self._rows
        self._path("rows").write_bytes(slots.astype(_SLOT).tobytes() + alive.tobytes())
        vectors, part = self._vectors
        vectors.flush()
        words = sorted(self._path("saved").iterdir())
        graph = self._kept
        if graph is None:
            flush(self._path("graph"))
            graph = Part.of(self._folder, self._path("graph"))
        for each in (self._path("rows"), *words, self._path("saved")):
            flush(each)
        manifest = Manifest(
            revision=revision,
            cut=self._cut,
            graph=graph,
            rows=Part.of(self._folder, self._path("rows")),
            vectors=part,
            words=tuple(Part.of(self._folder, each) for each in words),
            dead_words=self._dead_words,
        )
        written = _written(manifest, self._folder)
        self._committed = True
        _put_in_place(written)
        self._sweep(manifest.files)

    def discard(self) -> None:
        """Delete what was written, unless a manifest may name it."""
        if not self._committed:
            _remove(self._folder.glob(f"*-{self._token}"))

    def _path(self, kind: str) -> Path:
        return self._folder / f"{kind}-{self._token}"


def _written(manifest: Manifest, folder: Path) -> Path:
    """Have a manifest, and that there is all that it names, on disk; return where."""
    temporary = folder / f"{_MANIFEST}.tmp"
    temporary.write_text(manifest.text())
    flush(temporary)
    flush(folder)
    return temporary


def _put_in_place(written: Path) -> None:
    """Put a manifest in the place of the one before."""
    written.replace(written.with_name(_MANIFEST))
    flush(written.parent)


def _remove(paths: Iterable[Path]) -> None:
    for each in paths:
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)


def _rows(path: Path) -> tuple[Slots, Alive]:
    raw = path.read_bytes()
    count, rest = divmod(len(raw), _SLOT.itemsize + 1)
    if rest:
        raise ValueError("the rows are cut off")
    slots = np.frombuffer(raw, dtype=_SLOT, count=count).astype(np.int64)
    if (np.diff(slots) <= 0).any():
        raise ValueError("the slots do not ascend")
    return slots, np.frombuffer(raw, dtype=np.uint8, offset=count * _SLOT.itemsize).astype(np.bool_)


def _link(files: Iterable[Path], folder: Path) -> None:
    """Put files in another folder too: the same ones where the file system can do that, else copies."""
    for each in files:
        try:
            os.link(each, folder / each.name)
        except OSError:
            shutil.copyfile(each, folder / each.name)
