"""The models of an installation: the one that new indexes are made with, and those that older ones are of."""

from collections.abc import Sequence

from services.embedding.domain.embedder import Embedder, ModelName


class Embedders:
    """Finds the embedder of an index by its model's name. Safe to share between threads."""

    def __init__(self, present: Embedder, others: Sequence[Embedder] = ()) -> None:
        """`present` is the model of new indexes."""
        self.present = present
        self._by_model = {each.model: each for each in (*others, present)}

    @property
    def models(self) -> frozenset[ModelName]:
        """The names of all."""
        return frozenset(self._by_model)

    def of(self, model: str) -> Embedder | None:
        """Return the embedder of a model; None: this installation has it no more."""
        return self._by_model.get(ModelName(model))
