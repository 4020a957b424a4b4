"""What a caller says of a document, in a row of the document or of one of its versions."""

from typing import Any

import sqlalchemy as sa

from services.knowledge.domain.document import Audience, ContentType, Description


def description(row: sa.Row[Any], external_id: str = "") -> Description:
    """Return it; versions have no external id of their own."""
    return Description(
        external_id=external_id,
        title=row.title,
        content_type=ContentType(row.content_type),
        url=row.url,
        tags=tuple(row.tags),
        locale=row.locale,
        audience=Audience(row.audience),
        active=row.active,
        metadata=row._mapping["metadata"],
    )
