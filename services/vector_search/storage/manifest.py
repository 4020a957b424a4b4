"""What a snapshot's manifest says, and how it is read without trusting it."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.vector_search.domain.graph import Effort, GraphCut

FORMAT_VERSION = 3
# A file of the snapshot's folder, or of a folder in it.
_NAME = re.compile(r"[a-z]+-[0-9a-f]+(/\.?\w+(\.\w+)*)?", re.ASCII)


@dataclass(frozen=True)
class Part:
    """A file of a snapshot; of one that is appended to, the first `bytes`."""

    # Relative to the snapshot's folder.
    file: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, folder: Path, path: Path) -> "Part":
        """Return the part that a finished file in a folder is."""
        return cls(path.relative_to(folder).as_posix(), path.stat().st_size, _sha256(path))

    def require(self, folder: Path) -> Path:
        """Return the file; raise ValueError or OSError where it is not as it was written."""
        path = folder / self.file
        if path.stat().st_size != self.bytes or _sha256(path) != self.sha256:
            raise ValueError(f"{self.file} does not fit its checksum")
        return path


@dataclass(frozen=True)
class Manifest:
    """What a snapshot consists of."""

    revision: int
    cut: GraphCut
    graph: Part
    # Slots as int64, then a byte per row: alive or not.
    rows: Part
    vectors: Part
    words: tuple[Part, ...]
    dead_words: int

    @property
    def files(self) -> frozenset[str]:
        """All that it names."""
        return frozenset(each.file for each in (self.graph, self.rows, self.vectors, *self.words))

    def text(self) -> str:
        """Return it with its own checksum."""
        body = json.dumps({"format": FORMAT_VERSION, **asdict(self)}, sort_keys=True)
        return f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}"

    @classmethod
    def read(cls, text: str) -> "Manifest":
        """Read what `text` returned; raise ValueError, KeyError or TypeError where it is anything else."""
        digest, _, body = text.partition("\n")
        if hashlib.sha256(body.encode()).hexdigest() != digest:
            raise ValueError("the manifest does not fit its checksum")
        told = json.loads(body)
        if told["format"] != FORMAT_VERSION:
            raise ValueError(f"format {told['format']}, not {FORMAT_VERSION}")
        cut = told["cut"]
        return cls(
            revision=_integer(told["revision"]),
            cut=GraphCut(_integer(cut["last_slot"]), _text(cut["recipe"]), _effort(cut["effort"])),
            graph=_part(told["graph"]),
            rows=_part(told["rows"]),
            vectors=_part(told["vectors"]),
            words=tuple(_part(each) for each in _list(told["words"])),
            dead_words=_integer(told["dead_words"]),
        )


def flush(path: Path) -> None:
    """Have a file, or what a folder says of its files, on disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _part(told: Any) -> Part:
    file = _text(told["file"])
    if not _NAME.fullmatch(file):
        raise ValueError("the manifest names a file elsewhere")
    return Part(file, _integer(told["bytes"]), _text(told["sha256"]))


def _effort(told: Any) -> Effort:
    recall, target = _share(told["recall"]), _share(told["target"])
    return Effort(_integer(told["ef"]), recall, _integer(told["points"]), target)


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("the manifest has no number where one belongs")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("the manifest has no text where one belongs")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ValueError("the manifest has no list where one belongs")
    return value


def _share(value: object) -> float:
    if not isinstance(value, float | int) or not 0 <= value <= 1:
        raise ValueError("the manifest has no share where one belongs")
    return float(value)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
