"""Access's tables."""

import sqlalchemy as sa

from services.runtime.database import Json, UtcDateTime

metadata = sa.MetaData()

# A workspace and its test twin are a row each; the twin points to the live one.
workspaces = sa.Table(
    "workspaces",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("live_id", sa.Text, sa.ForeignKey("workspaces.id"), unique=True),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # Its own limits, by name. Plan, limits and end are the same in both rows of a pair.
    sa.Column("limits", Json, nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    sa.UniqueConstraint("name", "environment"),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("public_id", sa.Text, nullable=False, unique=True),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("workspace_id", sa.Text, sa.ForeignKey("workspaces.id"), nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("origins", Json, nullable=False),
    sa.Column("requests_per_minute", sa.Integer, nullable=False),
    sa.Column("rotated_to", sa.Text, nullable=False),
    sa.Index("keys_by_age", "workspace_id", "created_at", "id"),
)

# What was changed and what was refused; triggers refuse to change or take away a row.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    # Empty: none is known.
    sa.Column("workspace_id", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("details", Json, nullable=False),
    sa.Index("audit_by_age", "at", "id"),
    sa.Index("audit_by_event", "event", "at", "id"),
    sa.Index("audit_by_workspace", "workspace_id", "at", "id"),
)

# What services have counted: totals of a source, a workspace and a day (UTC), which only grow.
usage_counts = sa.Table(
    "usage_counts",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("counted", sa.BigInteger, nullable=False),
    sa.Column("uncounted", sa.BigInteger, nullable=False),
)

# What knowledge bases hold.
knowledge_stocks = sa.Table(
    "knowledge_stocks",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("documents", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# What customers' back ends sign their end users' tokens with; one of the three texts is not empty.
user_keys = sa.Table(
    "user_keys",
    metadata,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, sa.ForeignKey("workspaces.id"), nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("algorithm", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    # Sealed.
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("jwks_url", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
    sa.Index("user_keys_by_age", "workspace_id", "created_at", "kid"),
)
