"""The ledger of usage."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "usage_counts",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("counted", sa.BigInteger, nullable=False),
        sa.Column("uncounted", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "knowledge_stocks",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("documents", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
