"""First answers to idempotency keys."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "first_answers",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("first_answers_by_age", "first_answers", ["created_at"])
