"""Generations beside each other, versions of documents and passages, receipts of deletions."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there is of the generation that serves; the past that can be asked for begins now."""
    _generations()
    _versions()
    _queue()
    _operations()


def _generations() -> None:
    for column in (
        sa.Column("past_from_revision", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("next_generation", sa.Integer, nullable=True),
        sa.Column("reindex_operation_id", sa.Text, nullable=True),
        sa.Column("switch_at", UtcDateTime, nullable=True),
        sa.Column("next_whole_at", sa.BigInteger, nullable=True),
        sa.Column("previous_generation", sa.Integer, nullable=True),
    ):
        op.add_column("knowledge_bases", column)
    op.execute("UPDATE knowledge_bases SET past_from_revision = revision")
    discarded = sa.Column("discarded", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("generations", discarded)
    op.create_table(
        "generation_terms",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("from_revision", sa.BigInteger, primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
    )
    op.execute(
        "INSERT INTO generation_terms (workspace_id, from_revision, generation)"
        " SELECT workspace_id, 0, generation FROM knowledge_bases"
    )
    op.create_table(
        "generation_documents",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    # Of one that is on its way, the index has some earlier content; which, nobody noted.
    op.execute(
        "INSERT INTO generation_documents"
        " (workspace_id, generation, document_id, content_version, chunks, revision)"
        " SELECT d.workspace_id, b.generation, d.id,"
        " CASE WHEN d.status IN ('publishing', 'indexed') THEN d.content_version ELSE 0 END,"
        " d.chunks, d.content_revision"
        " FROM documents d JOIN knowledge_bases b ON b.workspace_id = d.workspace_id"
        " WHERE d.content_revision > 0"
    )
    op.add_column(
        "replica_positions",
        sa.Column("erased_revision", sa.BigInteger, nullable=False, server_default="0"),
    )


def _versions() -> None:
    op.add_column("documents", sa.Column("chunks_embedded", sa.Integer, nullable=False, server_default="0"))
    op.add_column("documents", sa.Column("seen_since", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE documents SET seen_since = revision")
    op.add_column("chunks", sa.Column("since", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE chunks SET since = revision")
    deleted = sa.text("deleted")
    op.create_index(
        "chunks_deleted",
        "chunks",
        ["workspace_id", "generation", "revision"],
        sqlite_where=deleted,
        postgresql_where=deleted,
    )
    op.create_table(
        "document_versions",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
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
        sa.Column("content", sa.LargeBinary, nullable=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("seen_since", sa.BigInteger, nullable=False),
        sa.Column("seen_until", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("replaced_at", UtcDateTime, nullable=False),
    )
    op.create_index("document_versions_by_age", "document_versions", ["replaced_at"])
    op.create_index("document_versions_by_revision", "document_versions", ["workspace_id", "seen_until"])
    op.create_table(
        "chunk_versions",
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
    )
    op.create_index("chunk_versions_by_document", "chunk_versions", ["workspace_id", "document_id"])
    op.create_index("chunk_versions_by_revision", "chunk_versions", ["workspace_id", "generation", "until"])
    op.create_index("chunk_versions_by_age", "chunk_versions", ["replaced_at"])


def _queue() -> None:
    op.drop_index("documents_by_status", "documents")
    op.create_index("documents_by_status", "documents", ["workspace_id", "status", "chunks", "bytes"])
    publishing = sa.text("status = 'publishing'")
    op.create_index(
        "documents_publishing",
        "documents",
        ["workspace_id", "content_revision"],
        sqlite_where=publishing,
        postgresql_where=publishing,
    )
    for name in ("background", "anew"):
        column = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column("indexing_tasks", column)
    op.drop_index("indexing_tasks_by_age", "indexing_tasks")
    op.create_index(
        "indexing_tasks_by_age", "indexing_tasks", ["workspace_id", "background", "queued_at", "document_id"]
    )


def _operations() -> None:
    op.add_column("operations", sa.Column("generation", sa.Integer, nullable=True))
    op.add_column("operations", sa.Column("outcome", sa.Text, nullable=True))
    op.create_index("operations_by_end", "operations", ["finished_at"])
    op.drop_index("operation_items_by_state", "operation_items")
    op.create_index(
        "operation_items_by_state", "operation_items", ["workspace_id", "operation_id", "state", "unchanged"]
    )
    op.add_column("operations", sa.Column("receipt", Json, nullable=True))
    op.add_column("operation_items", sa.Column("generation", sa.Integer, nullable=True))
    op.create_table(
        "deletions",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("operation_id", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    # Deletions that are on their way end like new ones; what they removed, nobody counted.
    op.execute(
        "INSERT INTO deletions (workspace_id, operation_id, document_id, revision)"
        " SELECT i.workspace_id, i.operation_id, i.document_id, i.revision"
        " FROM operation_items i"
        " JOIN operations o ON o.workspace_id = i.workspace_id AND o.id = i.operation_id"
        " WHERE o.kind = 'document_delete' AND i.state = 'pending'"
    )
    op.drop_index("operation_items_by_revision", "operation_items")
    op.drop_column("operation_items", "revision")
    op.add_column("idempotency_keys", sa.Column("document_id", sa.Text, nullable=True))
    op.create_index("idempotency_keys_by_document", "idempotency_keys", ["workspace_id", "document_id"])
