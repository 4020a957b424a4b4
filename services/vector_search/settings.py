"""Settings of the vector search process, from VECTOR_SEARCH_*."""

from dataclasses import dataclass
from pathlib import Path

from services.runtime.settings import ProcessSettings
from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.index.graph_keeper import CollectionSettings
from services.vector_search.index.hnsw import HnswParameters


@dataclass(frozen=True, kw_only=True)
class VectorSearchSettings(ProcessSettings):
    """Where to follow the feed, where to keep files, how to index."""

    # Files of this replica alone.
    data_dir: Path
    # host:port of the knowledge service.
    knowledge_target: str
    # host:port at which others reach this replica; empty: the address it listens on.
    replica_address: str = ""
    # Passages from which on a workspace has a graph; below, every vector is compared.
    exact_below: int = 8_000
    # Indexes kept in memory, about; those that were not used for longest are put out.
    memory_mb: int = 1024
    hnsw_m: int = 16
    hnsw_ef_construction: int = 200
    hnsw_ef: int = 128
    weight_dense: float = 0.7
    weight_lexical: float = 0.3

    def collections(self) -> CollectionSettings:
        """Return how collections are indexed."""
        return CollectionSettings(
            exact_below=self.exact_below,
            hnsw=HnswParameters(self.hnsw_m, self.hnsw_ef_construction, self.hnsw_ef),
            weights=FusionWeights(self.weight_dense, self.weight_lexical),
        )
