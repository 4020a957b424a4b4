"""Settings of the vector search process, from VECTOR_SEARCH_*."""

from dataclasses import dataclass, replace
from pathlib import Path

from services.runtime.settings import ProcessSettings, SettingsError
from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.index.graph_keeper import CollectionSettings
from services.vector_search.index.hnsw import HnswParameters


@dataclass(frozen=True, kw_only=True)
class VectorSearchSettings(ProcessSettings):
    """Where to follow the feed, where to keep files, how to index."""

    # Threads that search. Python runs one at a time: more of them only take turns.
    workers: int = 3
    # Callers that may wait for a revision at once; each needs a thread beside the workers.
    max_waiting: int = 16
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
    # Share of the true nearest ten that a graph is to find.
    target_recall: float = 0.95
    # Effort of searching a graph; 0: the smallest that reaches the target, by measurement.
    hnsw_ef: int = 0
    # Threads for one batch.
    batch_threads: int = 2
    # Workspaces as they were at earlier revisions, in memory beside the indexes; a larger one can't be asked.
    past_mb: int = 128
    # Payloads kept in memory per workspace, at most.
    payload_cache_mb: int = 16
    # Calls taken at once, begun or waiting; more are refused.
    max_in_flight: int = 128
    # Processes on the port, each a replica of its own with a share of the memory.
    processes: int = 1
    weight_dense: float = 0.7
    weight_lexical: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.target_recall <= 1:
            raise SettingsError("the target recall must be above 0 and at most 1")
        if min(self.processes, self.batch_threads) < 1:
            raise SettingsError("processes and batch threads must be at least 1")

    def of_process(self, number: int) -> "VectorSearchSettings":
        """Return the settings of one of the processes: files, memory and metrics of its own."""
        if self.processes == 1:
            return self
        return replace(
            self,
            # The first one goes on with the files of a process that was alone.
            data_dir=self.data_dir / f"process-{number}" if number else self.data_dir,
            memory_mb=self.memory_mb // self.processes,
            past_mb=self.past_mb // self.processes,
            metrics_port=self.metrics_port + number if self.metrics_port else 0,
        )

    def collections(self) -> CollectionSettings:
        """Return how collections are indexed."""
        return CollectionSettings(
            exact_below=self.exact_below,
            hnsw=HnswParameters(
                m=self.hnsw_m, ef_construction=self.hnsw_ef_construction, batch_threads=self.batch_threads
            ),
            weights=FusionWeights(self.weight_dense, self.weight_lexical),
            build_threads=self.batch_threads,
            target_recall=self.target_recall,
            fixed_ef=self.hnsw_ef,
            payload_cache_bytes=self.payload_cache_mb * 1024 * 1024,
        )
