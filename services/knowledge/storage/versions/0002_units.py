"""What can be quoted of a passage, with vectors; answers beside passages."""

import sqlalchemy as sa
from alembic import op

from services.runtime.database import Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is there are passages without units."""
    op.add_column("chunks", sa.Column("kind", sa.Text, nullable=False, server_default="passage"))
    op.add_column("chunks", sa.Column("units", Json, nullable=True))
    op.add_column("chunks", sa.Column("unit_vectors", sa.LargeBinary, nullable=True))
