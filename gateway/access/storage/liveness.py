"""Whether the database answers."""

import sqlalchemy as sa

from services.kernel.errors import Unavailable
from services.runtime.database import Database


def answers(database: Database) -> bool:
    """Return whether the database answers now."""
    try:
        with database.read() as connection:
            connection.execute(sa.select(1))
    except Unavailable:
        return False
    return True
