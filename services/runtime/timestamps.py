"""Instants as messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(instant: datetime) -> Timestamp:
    """Return an aware instant as a message."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message
