"""What questions are charged for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "usage",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("uncounted", sa.Integer, nullable=False),
        sa.Column("reported_counted", sa.Integer, nullable=False),
        sa.Column("reported_uncounted", sa.Integer, nullable=False),
    )
    unreported = sa.text("counted > reported_counted OR uncounted > reported_uncounted")
    op.create_index(
        "usage_unreported", "usage", ["day"], sqlite_where=unreported, postgresql_where=unreported
    )
