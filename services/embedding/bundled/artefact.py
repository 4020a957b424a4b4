"""The folder that holds the bundled model: what is in it, and whether it is whole."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"
_MANIFEST = "manifest.json"


class ModelDamaged(Exception):
    """The folder holds no model, a part of one, or another one than its manifest says."""


@dataclass(frozen=True)
class Manifest:
    """What was built, and from what; written last."""

    model: str
    dimensions: int
    positions: int
    """Most tokens of one run, the marks at both ends of a text included."""
    recipe: str
    """Identifies the weights and the code that the files were made from."""
    sha256: dict[str, str]
    """Checksum of each file by its name."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into `folder`."""
    (folder / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """
    Read the manifest of `folder` and compare every file with its checksum.

    Raises:
        ModelDamaged: something is missing or different.
    """
    manifest = read_identity(folder)
    try:
        damaged = [name for name, expected in manifest.sha256.items() if checksum(folder / name) != expected]
    except OSError as error:
        raise _unusable(folder, error) from error
    if damaged or manifest.sha256.keys() != {GRAPH, TOKENIZER}:
        raise ModelDamaged(
            f"the embedding model in {folder} is damaged: {', '.join(damaged) or 'files missing'}"
        )
    return manifest


def read_identity(folder: Path) -> Manifest:
    """
    Read the manifest alone: for who has to know which model it is, and runs none.

    Raises:
        ModelDamaged: there is none.
    """
    try:
        return Manifest(**json.loads((folder / _MANIFEST).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(folder, error) from error


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unusable(folder: Path, error: Exception) -> ModelDamaged:
    return ModelDamaged(f"no usable embedding model in {folder}: {error}")
