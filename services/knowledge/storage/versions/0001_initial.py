"""Documents, passages, the queue, operations, replicas."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "chunks",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("heading_path", Json, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=True),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "generation", "id"),
    )
    op.create_index("chunks_by_document", "chunks", ["workspace_id", "generation", "document_id"])
    op.create_index("chunks_by_revision", "chunks", ["workspace_id", "generation", "revision"])
    op.create_table(
        "contents",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "document_id"),
    )
    op.create_table(
        "document_tags",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "document_id", "tag"),
    )
    op.create_index("document_tags_by_tag", "document_tags", ["workspace_id", "tag", "document_id"])
    op.create_table(
        "document_tombstones",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "document_id"),
    )
    op.create_index("document_tombstones_by_revision", "document_tombstones", ["workspace_id", "revision"])
    op.create_table(
        "documents",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=True),
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
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text, nullable=True),
        sa.Column("error_detail", sa.Text, nullable=True),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("content_revision", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("revised_at", UtcDateTime, nullable=False),
        sa.Column("indexed_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sa.UniqueConstraint("workspace_id", "external_id", name="documents_by_external_id"),
    )
    op.create_index("documents_by_age", "documents", ["workspace_id", "created_at", "id"])
    op.create_index("documents_by_revision", "documents", ["workspace_id", "revision"])
    op.create_index("documents_by_status", "documents", ["workspace_id", "status"])
    op.create_table(
        "generations",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("embedding_model", sa.Text, nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "generation"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "principal", "method", "key"),
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["created_at"])
    op.create_table(
        "indexing_tasks",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("queued_at", UtcDateTime, nullable=False),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lapses", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=True),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "document_id"),
    )
    op.create_index("indexing_tasks_by_age", "indexing_tasks", ["workspace_id", "queued_at", "document_id"])
    op.create_table(
        "knowledge_bases",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("pruned_revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_table(
        "operation_items",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("operation_id", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("document_id", sa.Text, nullable=True),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.Boolean, nullable=False),
        sa.Column("error_code", sa.Text, nullable=True),
        sa.Column("error_detail", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "operation_id", "place"),
    )
    op.create_index(
        "operation_items_by_document", "operation_items", ["workspace_id", "document_id", "state"]
    )
    op.create_index("operation_items_by_revision", "operation_items", ["workspace_id", "state", "revision"])
    op.create_table(
        "operations",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("cancelled", sa.Integer, nullable=False),
        sa.Column("unchanged", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    op.create_index("operations_by_age", "operations", ["workspace_id", "created_at", "id"])
    op.create_table(
        "replica_positions",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("replica_id", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "replica_id", "generation"),
    )
    op.create_index("replica_positions_by_replica", "replica_positions", ["replica_id"])
    op.create_table(
        "replicas",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
