"""What knowledge bases hold, and how fast their documents are indexed."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count what is there; it is told to access as if it had just come."""
    op.create_table(
        "knowledge_stocks",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reported_version", sa.Integer, nullable=False),
    )
    op.execute(
        "INSERT INTO knowledge_stocks (workspace_id, documents, bytes, version, reported_version)"
        " SELECT workspace_id, count(*), sum(bytes), 1, 0 FROM documents GROUP BY workspace_id"
    )
    op.create_table(
        "indexing_paces",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("mean_seconds", sa.Float, nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("operation_items_by_state", "operation_items", ["workspace_id", "operation_id", "state"])
