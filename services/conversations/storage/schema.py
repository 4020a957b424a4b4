"""Conversations' tables. Every row is of one workspace, whose id leads each primary key."""

import sqlalchemy as sa

from services.runtime.database import Json, UtcDateTime

metadata = sa.MetaData()

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    # Whom it is bound to, by the subject and the issuer of a user token; both empty: nobody.
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("user_issuer", sa.Text, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False),
    sa.Column("message_count", sa.Integer, nullable=False),
    sa.Column("preview", sa.Text, nullable=False),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("conversations_by_age", "workspace_id", "created_at", "id"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    # The order of arrival, from 1: what was said at one instant stays in order.
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("answered", sa.Boolean),
    sa.Column("reason", sa.Text),
    sa.Column("confidence_score", sa.Double),
    sa.Column("confidence_level", sa.Text),
    sa.Column("sources", Json, nullable=False),
    sa.Column("actions", Json, nullable=False),
    sa.Column("feedback_rating", sa.Text),
    sa.Column("feedback_comment", sa.Text),
    sa.Column("latency_ms", sa.Integer),
    sa.Column("answerer", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(
        ["workspace_id", "conversation_id"],
        ["conversations.workspace_id", "conversations.id"],
        ondelete="CASCADE",
    ),
    sa.UniqueConstraint("workspace_id", "conversation_id", "seq"),
    sa.Index("messages_by_age", "workspace_id", "conversation_id", "created_at", "seq"),
)
