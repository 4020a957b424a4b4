"""A content to messages: text as it is, bytes in base64."""

import base64
from typing import Protocol

from services.knowledge.domain.document import ContentType


class WithContent(Protocol):
    """A message that has one of both."""

    content: str
    content_base64: str


def set_content(message: WithContent, content_type: ContentType, content: bytes) -> None:
    """Set the field in which a content loses nothing."""
    if content_type.is_text:
        try:
            message.content = content.decode()
            return
        except UnicodeDecodeError:
            pass
    message.content_base64 = base64.b64encode(content).decode()
