"""Conversations are bound to end users."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the issuer; nobody is bound yet."""
    op.add_column("conversations", sa.Column("user_issuer", sa.Text, nullable=False, server_default=""))
