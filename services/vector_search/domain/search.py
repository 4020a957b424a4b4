"""A question to the index and its answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.kernel.errors import InvalidArgument, Violation
from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.domain.errors import EmbeddingModelMismatch
from services.vector_search.domain.filters import EVERYTHING, Filter
from services.vector_search.domain.passages import Passage
from services.vector_search.domain.vectors import FloatVector, NotAVector, unit_vector

PassageEncoder = Callable[[Passage], Any]
"""Makes of a passage what travels, once; the index keeps the result."""

MAX_LIMIT = 200
MAX_TEXT_CHARACTERS = 32_768
MAX_BATCH = 256


@dataclass(frozen=True)
class SearchQuery:
    """A valid question: a unit vector, words, or both."""

    vector: FloatVector | None
    text: str
    limit: int
    filter: Filter = EVERYTHING
    min_revision: int = 0
    # True: the same revision gives the same answer, at the price of a full scan.
    exact: bool = False
    # True: hits bring their units and the cosine of each.
    with_units: bool = False
    # What made the vector; empty: nobody says.
    embedding_model: str = ""
    # As of this revision; 0: as of now.
    at_revision: int = 0

    @classmethod
    def of(
        cls,
        *,
        vector: bytes,
        text: str,
        limit: int,
        wanted: Filter | None = None,
        min_revision: int = 0,
        exact: bool = False,
        with_units: bool = False,
        embedding_model: str = "",
        at_revision: int = 0,
    ) -> "SearchQuery":
        """
        Check what a caller sent.

        Raises:
            InvalidArgument: lists everything that is wrong.
        """
        violations: list[Violation] = []
        unit: FloatVector | None = None
        if vector:
            try:
                unit = unit_vector(vector)
            except NotAVector as error:
                violations.append(Violation("/vector", str(error)))
        elif not text.strip():
            violations.append(Violation("/text", "a vector or words are needed"))
        if len(text) > MAX_TEXT_CHARACTERS:
            violations.append(Violation("/text", f"must be at most {MAX_TEXT_CHARACTERS} characters"))
        if not 1 <= limit <= MAX_LIMIT:
            violations.append(Violation("/limit", f"must be between 1 and {MAX_LIMIT}"))
        if min_revision < 0:
            violations.append(Violation("/min_revision", "must not be negative"))
        if at_revision < 0:
            violations.append(Violation("/at_revision", "must not be negative"))
        if violations:
            raise InvalidArgument.of(violations)
        return cls(
            unit,
            text,
            limit,
            wanted or EVERYTHING,
            min_revision,
            exact,
            with_units,
            embedding_model,
            at_revision,
        )

    def require_model(self, model: EmbeddingModel) -> None:
        """Raise EmbeddingModelMismatch where the vector is known to be of another model than the index."""
        if self.embedding_model and model.name and self.embedding_model != model.name:
            raise EmbeddingModelMismatch(model.name)

    def require_dimensions(self, dimensions: int) -> None:
        """Raise InvalidArgument unless the vector, if there is one, has this length; 0: not known yet."""
        if dimensions and self.vector is not None and len(self.vector) != dimensions:
            detail = f"must have {dimensions} values, has {len(self.vector)}"
            raise InvalidArgument.of([Violation("/vector", detail)])


@dataclass(frozen=True)
class SearchResult:
    """
    The nearest passages, best first, and the revision that was searched.

    Aligned columns, since most answers go straight into bytes.
    """

    revision: int
    # As the process's encoder made them.
    passages: Sequence[Any] = ()
    # Fused, 0 to 1.
    scores: Sequence[float] = ()
    # Cosines to the question; 0 where the question has no vector.
    dense: Sequence[float] = ()
    # BM25; 0 where no word is shared.
    lexical: Sequence[float] = ()
    # Encoded, of each passage; no column where they were not asked for.
    units: Sequence[bytes] = ()
    # The cosine of each unit, −1 to 1; no column without units or where the question has no vector.
    unit_cosines: Sequence[FloatVector] = ()
    # The generation that was searched; 0: the workspace has none.
    generation: int = 0


@dataclass(frozen=True)
class IndexStatus:
    """The state of a workspace's index on this replica."""

    revision: int
    chunks: int
    dense_index: str
    # Search effort of the graph; 0 for exact.
    ef: int = 0
    # Measured share of the true nearest ten, 0 to 1; 0 where it was not measured yet.
    recall: float = 1.0


NOTHING = SearchResult(0)
