"""Writes the folder of the bundled model, all of it or nothing."""

import shutil
import tempfile
from pathlib import Path

from services.embedding.bundled.artefact import (
    GRAPH,
    TOKENIZER,
    Manifest,
    ModelDamaged,
    checksum,
    read_manifest,
    write_manifest,
)
from services.embedding.export.graph import DIMENSIONS, POSITIONS, build_graph
from services.embedding.export.weights import Weights, identity, installed_folder

MODEL = "all-minilm-l6-v2-int8"
_RECIPE = 1
"""Raise it with every change of the files; rename `MODEL` too when vectors change, as old ones are stored."""


def export(out: Path) -> bool:
    """
    Make `out` hold the model; return whether anything had to be done.

    Raises:
        WeightsMissing: there is nothing to make it from.
    """
    recipe = f"{_RECIPE}-{identity()}"
    if _is_current(out, recipe):
        return False
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        folder = Path(scratch) / "new"
        folder.mkdir()
        _write(folder, recipe)
        if out.exists():
            out.rename(Path(scratch) / "old")
        folder.rename(out)
    return True


def _is_current(out: Path, recipe: str) -> bool:
    try:
        return read_manifest(out).recipe == recipe
    except ModelDamaged:
        return False


def _write(folder: Path, recipe: str) -> None:
    weights = Weights(installed_folder())
    (folder / GRAPH).write_bytes(build_graph(weights).SerializeToString(deterministic=True))
    shutil.copyfile(weights.tokenizer, folder / TOKENIZER)
    files = {name: checksum(folder / name) for name in (GRAPH, TOKENIZER)}
    write_manifest(folder, Manifest(MODEL, DIMENSIONS, POSITIONS, recipe, files))
