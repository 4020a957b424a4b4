"""Settings of the knowledge server (prefix `KNOWLEDGE_`) and of the indexer (prefix `INDEXER_`)."""

from dataclasses import dataclass

from services.runtime.settings import ProcessSettings, Secret


@dataclass(frozen=True, kw_only=True)
class KnowledgeSettings(ProcessSettings):
    """The server."""

    # Holds a password on PostgreSQL.
    database_url: Secret
    # Says what workspaces may have, and is told what they hold: `host:port`.
    access_target: str
    # Keeps answers that may cite what is deleted: `host:port`.
    query_target: str
    # What a document was before a change is kept for so long; 0: not at all.
    version_days: int = 30
    # A search replica that was not heard of for so long does not serve.
    lease_seconds: float = 10.0


@dataclass(frozen=True, kw_only=True)
class IndexerSettings(ProcessSettings):
    """The worker; `listen` is for health checks alone."""

    database_url: Secret
    # A document whose indexer was not heard of for so long is taken by another.
    claim_seconds: float = 15.0
    # Documents that are claimed together.
    batch: int = 16
    # How much the worker gives way to processes that answer questions: 0 to 19.
    niceness: int = 5
    # What reading a document may take: processor time (2 seconds more for each MiB of it) and memory.
    extraction_seconds: float = 10.0
    extraction_mebibytes: int = 1024
    # How long an idle worker waits before it looks again.
    poll_seconds: float = 0.2
