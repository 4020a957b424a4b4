"""A generation: an index of the whole knowledge base, made with one embedding model."""

from dataclasses import dataclass
from datetime import datetime


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

    `switch_at`: when all replicas go over to it; None: it is not whole yet.
    """

    generation: Generation
    operation_id: str
    switch_at: datetime | None = None
