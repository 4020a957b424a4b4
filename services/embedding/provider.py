"""The one place that chooses between the models."""

from services.embedding.domain.embedder import Embedder
from services.embedding.settings import EmbeddingSettings


def open_embedder(settings: EmbeddingSettings) -> Embedder:
    """
    Return the embedder of this process; call it once and share the result.

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
