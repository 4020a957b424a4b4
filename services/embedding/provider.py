"""The one place that chooses between the models."""

from typing import NamedTuple

from services.embedding.bundled.artefact import read_identity
from services.embedding.domain.embedder import Embedder, ModelName
from services.embedding.domain.embedders import Embedders
from services.embedding.settings import EmbeddingSettings


class ModelIdentity(NamedTuple):
    """What an index notes of its model: the space of its vectors and their length."""

    name: ModelName
    dimensions: int


def identity(settings: EmbeddingSettings) -> ModelIdentity:
    """
    Return which model the settings name, without loading it.

    Raises:
        ModelDamaged: the bundled model is missing.
    """
    if settings.provider == "openai":
        return ModelIdentity(ModelName(settings.model), settings.dimensions)
    manifest = read_identity(settings.model_dir)
    return ModelIdentity(ModelName(manifest.model), manifest.dimensions)


def open_embedders(settings: EmbeddingSettings, previous: EmbeddingSettings | None) -> Embedders:
    """
    Return the embedders of this process; call it once and share the result.

    Raises:
        ModelDamaged: a bundled model is missing or damaged.
    """
    others = [] if previous is None or identity(previous) == identity(settings) else [open_embedder(previous)]
    return Embedders(open_embedder(settings), others)


def open_embedder(settings: EmbeddingSettings) -> Embedder:
    """
    Return the embedder of a model; call it once per process and share the result.

    Each provider is imported when it is wanted: a process that asks an endpoint does not load ONNX Runtime.

    Raises:
        ModelDamaged: the bundled model is missing or damaged.
    """
    if settings.provider == "openai":
        from services.embedding.clients.endpoint import Endpoint, EndpointEmbedder

        return EndpointEmbedder(
            Endpoint(
                base_url=settings.base_url,
                api_key=settings.api_key,
                model=settings.model,
                dimensions=settings.dimensions,
                send_dimensions=settings.send_dimensions,
                max_tokens=settings.max_tokens,
                batch_size=settings.batch_size,
                timeout=settings.timeout,
            )
        )
    from services.embedding.bundled.embedder import BundledEmbedder

    return BundledEmbedder(settings.model_dir, threads=settings.threads)
