"""
The graph of a workspace's file as a checksummed cache beside it.

Two files: the graph as the index library writes it, and a manifest that names it. The manifest is replaced
last and by one rename, so that it names a whole graph or the one before; a graph that no manifest names is
rubbish.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import structlog

from services.vector_search.domain.graph import Effort, GraphCut, GraphSnapshot

_log = structlog.get_logger(__name__)

FORMAT_VERSION = 2
_BLOCK = 1 << 20


class GraphSnapshots:
    """The graph cache of one workspace file: `stem`.graph.json and `stem`.*.graph in its folder."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder = folder
        self._stem = stem
        self._manifest = folder / f"{stem}.graph.json"

    def save(self, cut: GraphCut, write: Callable[[Path], None]) -> None:
        """Keep the graph that `write` writes to the path it is given; earlier ones are deleted."""
        body = self._folder / f"{self._stem}.{secrets.token_hex(4)}.graph"
        temporary = body.with_suffix(".tmp")
        write(temporary)
        _flush(temporary)
        described = {
            "format": FORMAT_VERSION,
            "file": body.name,
            "bytes": temporary.stat().st_size,
            "sha256": _sha256(temporary),
            "last_slot": cut.last_slot,
            "recipe": cut.recipe,
            "effort": asdict(cut.effort),
        }
        temporary.replace(body)
        self._replace_manifest(json.dumps(described, sort_keys=True))
        for other in self._folder.glob(f"{self._stem}.*.graph"):
            if other != body:
                other.unlink(missing_ok=True)

    def load(self, recipe: str) -> GraphSnapshot | None:
        """
        Return the snapshot, None where there is none that is whole and was made by this recipe.

        What is damaged or of another version is reported and deleted.
        """
        if not self._manifest.exists():
            return None
        try:
            described = _described(self._manifest.read_text())
            if described["format"] != FORMAT_VERSION:
                raise ValueError(f"format {described['format']}, not {FORMAT_VERSION}")
            if described["recipe"] != recipe:
                raise ValueError(f"made by {described['recipe']}, not {recipe}")
            body = self._folder / Path(str(described["file"])).name
            if body.stat().st_size != described["bytes"] or _sha256(body) != described["sha256"]:
                raise ValueError("the graph does not fit its checksum")
            cut = GraphCut(_integer(described["last_slot"]), recipe, _effort(described["effort"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("graph snapshot dropped", snapshot=self._stem, problem=str(error))
            self.delete()
            return None
        return GraphSnapshot(cut, body)

    def delete(self) -> None:
        """Delete every trace of the cache."""
        self._manifest.unlink(missing_ok=True)
        for pattern in (f"{self._stem}.*.graph", f"{self._stem}.*.tmp"):
            for each in self._folder.glob(pattern):
                each.unlink(missing_ok=True)

    def _replace_manifest(self, text: str) -> None:
        temporary = self._folder / f"{self._stem}.graph.json.tmp"
        temporary.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
        _flush(temporary)
        _flush(self._folder)
        temporary.replace(self._manifest)
        _flush(self._folder)


def _described(text: str) -> dict[str, object]:
    digest, _, body = text.partition("\n")
    if hashlib.sha256(body.encode()).hexdigest() != digest:
        raise ValueError("the manifest does not fit its checksum")
    described = json.loads(body)
    if not isinstance(described, dict):
        raise ValueError("the manifest is no object")
    return described


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("the manifest has no number where one belongs")
    return value


def _effort(value: object) -> Effort:
    if not isinstance(value, dict):
        raise ValueError("the manifest has no effort")
    recall, target = _share(value["recall"]), _share(value["target"])
    return Effort(_integer(value["ef"]), recall, _integer(value["points"]), target)


def _share(value: object) -> float:
    if not isinstance(value, float | int) or not 0 <= value <= 1:
        raise ValueError("the manifest has no share where one belongs")
    return float(value)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
