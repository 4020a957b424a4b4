"""Query's tables."""

import sqlalchemy as sa

from services.runtime.database import Json, UtcDateTime
from services.runtime.first_answers import first_answer_tables
from services.runtime.outbox import outbox_table
from services.runtime.usage import usage_table

metadata = sa.MetaData()

# Turns that wait for the conversations service.
outbox = outbox_table(metadata)

# How workspaces want their questions answered; what was never set has no row, or is not in `settings`.
answering_settings = sa.Table(
    "answering_settings",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("settings", Json, nullable=False),
    # By name, each encrypted.
    sa.Column("secrets", Json, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

# Answers that are known to be right or wrong, with the score that the model gave them.
labelled_scores = sa.Table(
    "labelled_scores",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("right", sa.Boolean, nullable=False),
    sa.Column("labelled_at", UtcDateTime, nullable=False),
)

# What requests with an `Idempotency-Key` were answered; its subjects are the documents that an answer shows.
first_answers = first_answer_tables(metadata)

# What questions are charged for.
usage = usage_table(metadata)
