"""
What the indexer and its extraction process say to each other over a pipe.

A request is `length (4 bytes, big-endian), name of the type, NUL, content`. An answer is `length, kind,
body`: blocks, or a failure as `code, NUL, detail`. A block is `kind (1 byte), level (1 byte), length of the
text (4 bytes), text in UTF-8`. The side that asks believes nothing: all is bounded and checked.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import IO

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed

# 2,000 passages have 25 each; cutting more into passages would hold up the indexer.
MAX_BLOCKS = 50_000
MAX_TEXT_BYTES = 32 * 1024 * 1024
_MAX_MESSAGE_BYTES = MAX_TEXT_BYTES + 6 * MAX_BLOCKS + 1
_MAX_DETAIL = 300
CODES = frozenset({"EXTRACTION_FAILED", "EXTRACTION_TOO_LARGE", "ENCRYPTED_DOCUMENT"})
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">BBI")
_HEADING = 0
_KINDS = {kind: number for number, kind in enumerate(Kind, 1)}
_OF_NUMBER = {number: kind for kind, number in _KINDS.items()}
_READY, _BLOCKS, _FAILURE = b"r", b"b", b"f"


class Garbled(Exception):
    """The other side does not keep to what is agreed, or is gone."""


def write_request(stream: IO[bytes], content: bytes, content_type: ContentType) -> None:
    """Ask for the blocks of a content."""
    _write(stream, content_type.value.encode() + b"\0" + content)


def read_request(stream: IO[bytes]) -> tuple[bytes, ContentType] | None:
    """Return the next request; None when there will be none."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    name, _, content = stream.read(_LENGTH.unpack(head)[0]).partition(b"\0")
    return content, ContentType(name.decode())


def write_ready(stream: IO[bytes]) -> None:
    """Say that requests are waited for."""
    _write(stream, _READY)


def write_blocks(stream: IO[bytes], blocks: Sequence[Block]) -> None:
    """
    Answer with blocks.

    Raises:
        IndexingFailed: EXTRACTION_TOO_LARGE; nothing was written.
    """
    if len(blocks) > MAX_BLOCKS:
        raise IndexingFailed("EXTRACTION_TOO_LARGE", f"It has more than {MAX_BLOCKS} paragraphs.")
    parts, size = [_BLOCKS], 0
    for block in blocks:
        text = block.text.encode("utf-8", "replace")
        kind, level = (_HEADING, block.level) if isinstance(block, Heading) else (_KINDS[block.kind], 0)
        size += len(text)
        if size > MAX_TEXT_BYTES:
            raise IndexingFailed("EXTRACTION_TOO_LARGE", f"Its text has more than {MAX_TEXT_BYTES} bytes.")
        parts += [_HEAD.pack(kind, level, len(text)), text]
    _write(stream, b"".join(parts))


def write_failure(stream: IO[bytes], failure: IndexingFailed) -> None:
    """Answer why there are no blocks."""
    _write(stream, _FAILURE + f"{failure.code}\0{failure.detail}".encode())


def read_ready(stream: IO[bytes]) -> None:
    """Wait for the process; raise Garbled if it does not come up."""
    if _read(stream) != _READY:
        raise Garbled


def read_answer(stream: IO[bytes]) -> list[Block]:
    """
    Return the blocks.

    Raises:
        IndexingFailed: there are none, as the answer says.
        Garbled: as it says.
    """
    message = _read(stream)
    kind, body = message[:1], message[1:]
    try:
        if kind == _BLOCKS:
            return list(_blocks(body))
        if kind == _FAILURE:
            code, _, detail = body.decode().partition("\0")
            if code in CODES and len(detail) <= _MAX_DETAIL and detail.isprintable():
                raise IndexingFailed(code, detail)
    except (struct.error, UnicodeDecodeError, KeyError):
        pass
    raise Garbled


def _blocks(body: bytes) -> Iterator[Block]:
    place = count = 0
    while place < len(body):
        kind, level, length = _HEAD.unpack_from(body, place)
        place += _HEAD.size
        count += 1
        raw = body[place : place + length]
        if len(raw) < length or count > MAX_BLOCKS or (kind == _HEADING and not 1 <= level <= 6):
            raise Garbled
        place += length
        text = raw.decode()
        yield Heading(level, text) if kind == _HEADING else Piece(_OF_NUMBER[kind], text)


def _write(stream: IO[bytes], message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    head = stream.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    if not 0 < length <= _MAX_MESSAGE_BYTES:
        raise Garbled
    message = stream.read(length)
    if len(message) < length:
        raise Garbled
    return message
