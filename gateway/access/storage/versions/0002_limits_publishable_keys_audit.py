"""Limits and the end of workspaces; publishable keys and rotation; the audit."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new to workspaces and keys, make the audit."""
    op.add_column("workspaces", sa.Column("limits", Json, nullable=False, server_default="{}"))
    op.add_column("workspaces", sa.Column("deleted_at", UtcDateTime))
    op.add_column("keys", sa.Column("kind", sa.Text, nullable=False, server_default="secret"))
    op.add_column("keys", sa.Column("origins", Json, nullable=False, server_default="[]"))
    op.add_column("keys", sa.Column("requests_per_minute", sa.Integer, nullable=False, server_default="0"))
    op.add_column("keys", sa.Column("rotated_to", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "audit",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("details", Json, nullable=False),
    )
    op.create_index("audit_by_age", "audit", ["at", "id"])
    op.create_index("audit_by_event", "audit", ["event", "at", "id"])
    op.create_index("audit_by_workspace", "audit", ["workspace_id", "at", "id"])
    _refuse_changes()


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{change} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
