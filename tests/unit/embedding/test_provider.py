"""Settings choose the model."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.embedding.bundled.artefact import ModelDamaged
from services.embedding.bundled.embedder import BundledEmbedder
from services.embedding.clients.endpoint import EndpointEmbedder
from services.embedding.provider import identity, open_embedder, open_embedders
from services.embedding.settings import load_embedding_settings, load_previous_embedding_settings
from services.runtime.settings import SettingsError

_OPENAI = {
    "EMBEDDING_PROVIDER": "openai",
    "EMBEDDING_BASE_URL": "https://models.test/v1",
    "EMBEDDING_API_KEY": "key-1",
    "EMBEDDING_MODEL": "text-embedding-3-small",
    "EMBEDDING_DIMENSIONS": "1536",
}


def test_bundled_model_is_the_default(model_folder: Path) -> None:
    """Without any setting but the folder, the bundled model is loaded."""
    embedder = open_embedder(load_embedding_settings({"EMBEDDING_MODEL_DIR": str(model_folder)}))
    assert isinstance(embedder, BundledEmbedder)
    assert (embedder.model, embedder.dimensions) == ("all-minilm-l6-v2-int8", 384)


def test_endpoint() -> None:
    """An endpoint is named by its address, model and dimensions."""
    embedder = open_embedder(load_embedding_settings(_OPENAI))
    assert isinstance(embedder, EndpointEmbedder)
    assert (embedder.model, embedder.dimensions) == ("text-embedding-3-small", 1536)


def test_missing_model(tmp_path: Path) -> None:
    """A process without its model does not start."""
    with pytest.raises(ModelDamaged):
        open_embedder(load_embedding_settings({"EMBEDDING_MODEL_DIR": str(tmp_path)}))


def test_identity(model_folder: Path, tmp_path: Path) -> None:
    """Which model the settings name is known without loading it."""
    (tmp_path / "manifest.json").write_bytes((model_folder / "manifest.json").read_bytes())
    bundled = load_embedding_settings({"EMBEDDING_MODEL_DIR": str(tmp_path)})
    assert identity(bundled) == ("all-minilm-l6-v2-int8", 384)
    assert identity(load_embedding_settings(_OPENAI)) == ("text-embedding-3-small", 1536)


def test_previous_model(model_folder: Path) -> None:
    """While one model takes over from another, both are there; new indexes are made with the present one."""
    embedders = open_embedders(
        load_embedding_settings(_OPENAI),
        load_previous_embedding_settings({"PREVIOUS_EMBEDDING_MODEL_DIR": str(model_folder)}),
    )
    assert embedders.present.model == "text-embedding-3-small"
    assert embedders.models == {"text-embedding-3-small", "all-minilm-l6-v2-int8"}


def test_no_previous_model() -> None:
    """Without its settings there is none, and one that is the present one is not loaded twice."""
    assert load_previous_embedding_settings(_OPENAI) is None
    same = load_previous_embedding_settings({f"PREVIOUS_{name}": value for name, value in _OPENAI.items()})
    assert open_embedders(load_embedding_settings(_OPENAI), same).models == {"text-embedding-3-small"}


def test_wrong_previous_settings() -> None:
    """What is wrong with the previous model's settings is said by its own names."""
    with pytest.raises(SettingsError, match="PREVIOUS_EMBEDDING_MODLE is unknown"):
        load_previous_embedding_settings({"PREVIOUS_EMBEDDING_MODLE": "x"})
    with pytest.raises(SettingsError, match="PREVIOUS_EMBEDDING_THREADS"):
        load_previous_embedding_settings({"PREVIOUS_EMBEDDING_THREADS": "0"})


def test_key_does_not_show() -> None:
    """The settings can be logged."""
    assert "key-1" not in repr(load_embedding_settings(_OPENAI))


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"EMBEDDING_PROVIDER": "oracle"}, ["EMBEDDING_PROVIDER"]),
        (
            {"EMBEDDING_PROVIDER": "openai"},
            ["EMBEDDING_BASE_URL", "EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS"],
        ),
        ({"EMBEDDING_THREADS": "0", "EMBEDDING_TIMEOUT": "-1"}, ["EMBEDDING_THREADS", "EMBEDDING_TIMEOUT"]),
        ({"EMBEDDING_MODLE": "x"}, ["EMBEDDING_MODLE"]),
    ],
)
def test_wrong_settings(environment: dict[str, str], names: list[str]) -> None:
    """All that is wrong is named at once."""
    with pytest.raises(SettingsError) as caught:
        load_embedding_settings(environment)
    for name in names:
        assert name in str(caught.value)


def test_port_is_light() -> None:
    """Importing the port, the settings and the provider loads no model runtime and no HTTP client."""
    script = (
        "import sys, services.embedding.provider; "
        "sys.exit(bool({'onnxruntime', 'tokenizers', 'httpx', 'onnx'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
