"""Which documents kept answers show, and which are forgotten."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SCOPE = ("workspace_id", "principal", "method", "key")


def upgrade() -> None:
    """Make the tables. Of answers kept before nobody knows what they show: they are not given again."""
    op.execute("DELETE FROM first_answers")
    op.create_table(
        "first_answer_subjects",
        *(sa.Column(name, sa.Text, primary_key=True) for name in _SCOPE),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.ForeignKeyConstraint(_SCOPE, [f"first_answers.{name}" for name in _SCOPE], ondelete="CASCADE"),
    )
    op.create_index("first_answer_subjects_by_subject", "first_answer_subjects", ["workspace_id", "subject"])
    op.create_table(
        "forgotten_subjects",
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("answers", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("forgotten_subjects_by_age", "forgotten_subjects", ["created_at"])
