"""Query's one table: turns that wait for the conversations service."""

import sqlalchemy as sa

from services.runtime.outbox import outbox_table

metadata = sa.MetaData()

outbox = outbox_table(metadata)
