"""The embedding models of this installation."""

import structlog
from prometheus_client import Counter

from services.embedding.domain.embedder import Embedder
from services.embedding.domain.embedders import Embedders
from services.kernel.errors import Unavailable

UNKNOWN = Counter(
    "embedding_model_unknown_total",
    "Questions to an index of a model that this installation does not have.",
)
# The operator has to act: nobody answers sooner.
_RETRY_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class InstalledModels:
    """A `QuestionEmbedders`."""

    def __init__(self, embedders: Embedders) -> None:
        self._embedders = embedders

    @property
    def present(self) -> Embedder:
        """The model of new indexes."""
        return self._embedders.present

    def of(self, model: str) -> Embedder:
        """Return the embedder of a model; where there is none, say so to the operator."""
        embedder = self._embedders.of(model)
        if embedder is None:
            UNKNOWN.inc()
            _log.error("embedding_model_unknown", model=model, known=sorted(self._embedders.models))
            detail = "The search index is of an embedding model that this installation does not have."
            raise Unavailable(detail, retry_after=_RETRY_SECONDS)
        return embedder
