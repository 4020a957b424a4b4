"""The tables of the knowledge service. Every one of a workspace's begins with its id."""

from typing import Any

import sqlalchemy as sa

from services.runtime.database import Json, UtcDateTime
from services.runtime.idempotency import idempotency_table

METADATA = sa.MetaData()


def _described() -> tuple[sa.Column[Any], ...]:
    """What a document is, now or at an earlier version."""
    return (
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
    )


# One row per workspace; whoever changes the workspace locks it. Revisions come from here.
KNOWLEDGE_BASES = sa.Table(
    "knowledge_bases",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    # Tombstones up to here are gone: who is behind it begins anew.
    sa.Column("pruned_revision", sa.BigInteger, nullable=False),
    # What was so before this revision is not kept.
    sa.Column("past_from_revision", sa.BigInteger, nullable=False, server_default="0"),
    # The generation that a re-index is making, by which operation, and when all replicas go over to it.
    sa.Column("next_generation", sa.Integer, nullable=True),
    sa.Column("reindex_operation_id", sa.Text, nullable=True),
    sa.Column("switch_at", UtcDateTime, nullable=True),
    # From this revision on it has all that the serving one has; null: not yet.
    sa.Column("next_whole_at", sa.BigInteger, nullable=True),
    # The generation that a rollback would bring back.
    sa.Column("previous_generation", sa.Integer, nullable=True),
)

GENERATIONS = sa.Table(
    "generations",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("embedding_model", sa.Text, nullable=False),
    sa.Column("dimensions", sa.Integer, nullable=False),
    # Its rows are on their way out. This one stays: a number is never given again.
    sa.Column("discarded", sa.Boolean, nullable=False, server_default=sa.false()),
)

# Which generation served from which revision on, up to the next row.
GENERATION_TERMS = sa.Table(
    "generation_terms",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("from_revision", sa.BigInteger, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
)

# What of a document a generation has: the passages of this content version, committed at this revision.
GENERATION_DOCUMENTS = sa.Table(
    "generation_documents",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("content_version", sa.Integer, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

DOCUMENTS = sa.Table(
    "documents",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("external_id", sa.Text, nullable=True),
    *_described(),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error_code", sa.Text, nullable=True),
    sa.Column("error_detail", sa.Text, nullable=True),
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("chunks_embedded", sa.Integer, nullable=False, server_default="0"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content_version", sa.Integer, nullable=False),
    # Grows with every claim; a commit is valid only at the newest.
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("content_revision", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    # When `revision` was handed out.
    sa.Column("revised_at", UtcDateTime, nullable=False),
    # Since which revision search sees its fields as they are; 0: it does not see it.
    sa.Column("seen_since", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("indexed_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("workspace_id", "external_id", name="documents_by_external_id"),
    sa.Index("documents_by_age", "workspace_id", "created_at", "id"),
    sa.Index("documents_by_revision", "workspace_id", "revision"),
    # With what is summed up, so that sums read no rows.
    sa.Index("documents_by_status", "workspace_id", "status", "chunks", "bytes"),
)

# As text, since an index of such rows alone is not used for a parameter.
IS_PUBLISHING = sa.text("status = 'publishing'")
sa.Index(
    "documents_publishing",
    DOCUMENTS.c.workspace_id,
    DOCUMENTS.c.content_revision,
    sqlite_where=IS_PUBLISHING,
    postgresql_where=IS_PUBLISHING,
)

# Apart from the documents, so that lists and status changes never touch it.
CONTENTS = sa.Table(
    "contents",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# Documents as they were before a change, with their contents.
DOCUMENT_VERSIONS = sa.Table(
    "document_versions",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    *_described(),
    # Null where a later version, or the document, has the same.
    sa.Column("content", sa.LargeBinary, nullable=True),
    # Since which revision search saw it whole, its content included; 0: it never did.
    sa.Column("revision", sa.BigInteger, nullable=False),
    # Search saw these fields from the one revision up to before the other; equal: never.
    sa.Column("seen_since", sa.BigInteger, nullable=False),
    sa.Column("seen_until", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("replaced_at", UtcDateTime, nullable=False),
    sa.Index("document_versions_by_age", "replaced_at"),
    sa.Index("document_versions_by_revision", "workspace_id", "seen_until"),
)

DOCUMENT_TAGS = sa.Table(
    "document_tags",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Index("document_tags_by_tag", "workspace_id", "tag", "document_id"),
)

DOCUMENT_TOMBSTONES = sa.Table(
    "document_tombstones",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("deleted_at", UtcDateTime, nullable=False),
    sa.Index("document_tombstones_by_revision", "workspace_id", "revision"),
)

# A deleted row is a tombstone: its text, units and vectors are gone.
CHUNKS = sa.Table(
    "chunks",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("heading_path", Json, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("tokens", sa.Integer, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=True),
    # Rows made before there were kinds are passages.
    sa.Column("kind", sa.Text, nullable=False, server_default="passage"),
    # Null in rows made before there were units: these are made anew with their document.
    sa.Column("units", Json, nullable=True),
    sa.Column("unit_vectors", sa.LargeBinary, nullable=True),
    # Of text, units and vectors together; decides how many fit into an answer of the feed.
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    # Since which revision it is there; a new ordinal leaves it as it is.
    sa.Column("since", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Index("chunks_by_revision", "workspace_id", "generation", "revision"),
    sa.Index("chunks_by_document", "workspace_id", "generation", "document_id"),
)

IS_DELETED = sa.text("deleted")
sa.Index(
    "chunks_deleted",
    CHUNKS.c.workspace_id,
    CHUNKS.c.generation,
    CHUNKS.c.revision,
    sqlite_where=IS_DELETED,
    postgresql_where=IS_DELETED,
)

# Passages that an edit has replaced: there from the one revision up to before the other.
CHUNK_VERSIONS = sa.Table(
    "chunk_versions",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("heading_path", Json, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("tokens", sa.Integer, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("units", Json, nullable=True),
    sa.Column("unit_vectors", sa.LargeBinary, nullable=True),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("replaced_at", UtcDateTime, nullable=False),
    sa.Index("chunk_versions_by_document", "workspace_id", "document_id"),
    sa.Index("chunk_versions_by_revision", "workspace_id", "generation", "until"),
    sa.Index("chunk_versions_by_age", "replaced_at"),
)

INDEXING_TASKS = sa.Table(
    "indexing_tasks",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("content_version", sa.Integer, nullable=False),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("lapses", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    # A re-index has put it there: what callers have just written goes first.
    sa.Column("background", sa.Boolean, nullable=False, server_default=sa.false()),
    # Everything is embedded, whatever the index has already.
    sa.Column("anew", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("indexing_tasks_by_age", "workspace_id", "background", "queued_at", "document_id"),
)

OPERATIONS = sa.Table(
    "operations",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # The rest is set at the end; until then the items are counted.
    sa.Column("finished_at", UtcDateTime, nullable=True),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("cancelled", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    # The generation that a re-index makes, and how that ended, whatever became of single documents.
    sa.Column("generation", sa.Integer, nullable=True),
    sa.Column("outcome", sa.Text, nullable=True),
    # What a deletion has removed.
    sa.Column("receipt", Json, nullable=True),
    sa.Index("operations_by_age", "workspace_id", "created_at", "id"),
    sa.Index("operations_by_end", "finished_at"),
)

OPERATION_ITEMS = sa.Table(
    "operation_items",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("document_id", sa.Text, nullable=True),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content_version", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Boolean, nullable=False),
    # The document is waited for in this generation; null: in the one that serves.
    sa.Column("generation", sa.Integer, nullable=True),
    sa.Column("error_code", sa.Text, nullable=True),
    sa.Column("error_detail", sa.Text, nullable=True),
    sa.Index("operation_items_by_document", "workspace_id", "document_id", "state"),
    # SQLite counts one operation's items by their key only if it sorts by the state, too. With all that is
    # counted, so that counting reads no rows.
    sa.Index("operation_items_by_state", "workspace_id", "operation_id", "state", "unchanged"),
)

# Deletions that have not ended; what is known of them is in the receipt of their operation.
DELETIONS = sa.Table(
    "deletions",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, nullable=False),
    # Of the tombstone; 0: no replica has ever had anything of the document.
    sa.Column("revision", sa.BigInteger, nullable=False),
)

REPLICAS = sa.Table(
    "replicas",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
)

REPLICA_POSITIONS = sa.Table(
    "replica_positions",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("replica_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    # None of its files has anything of what was deleted up to here.
    sa.Column("erased_revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("replica_positions_by_replica", "replica_id"),
)

# Changed by who has locked the base; `reported_version` by who has told access.
KNOWLEDGE_STOCKS = sa.Table(
    "knowledge_stocks",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("documents", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("reported_version", sa.Integer, nullable=False),
)

# How fast documents were indexed of late; no row where none was.
INDEXING_PACES = sa.Table(
    "indexing_paces",
    METADATA,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("mean_seconds", sa.Float, nullable=False),
    sa.Column("documents", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

IDEMPOTENCY_KEYS = idempotency_table(
    METADATA,
    # The document that the answer shows, and is to be forgotten with.
    sa.Column("document_id", sa.Text, nullable=True),
    sa.Index("idempotency_keys_by_document", "workspace_id", "document_id"),
)
