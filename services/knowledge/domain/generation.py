"""A generation: an index of the whole knowledge base, made with one embedding model."""

from dataclasses import dataclass
from datetime import datetime

from services.knowledge.domain.operation import OperationId


@dataclass(frozen=True)
class Generation:
    """Its number in the workspace, and the model; "" and 0 until the first passage says which."""

    number: int
    embedding_model: str = ""
    dimensions: int = 0


@dataclass(frozen=True)
class NextGeneration:
    """
    The generation that a re-index is making beside the one that serves.

    `whole_at`: from this revision on it has all that the serving one has; None: not yet. `switch_at`: when
    all replicas go over to it; None: not before they have all of it.
    """

    generation: Generation
    operation_id: OperationId
    whole_at: int | None = None
    switch_at: datetime | None = None
