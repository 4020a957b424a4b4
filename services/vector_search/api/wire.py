"""
Answers as bytes: what does not change with the question is encoded once, by protobuf, and kept by the index.

A message of protobuf is the concatenation of its fields in any order (protobuf.dev, "Encoding"): a hit is its
passage's fields, encoded when it was first read, and three scores of fixed length after them. Where units are
asked for, they stand between the two as they are stored, with their cosines.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from struct import Struct

from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.vector_search.domain.passages import Passage
from services.vector_search.domain.search import SearchResult
from services.vector_search.domain.vectors import FloatVector

_Message = type[pb.Hit] | type[pb.SearchResponse] | type[pb.BatchSearchResponse]


def _tag(message: _Message, field: str, wire_type: int) -> int:
    number = message.DESCRIPTOR.fields_by_name[field].number
    assert number < 16, "a tag of one byte"
    return number << 3 | wire_type


_VARINT, _FIXED64, _DELIMITED = 0, 1, 2
_HIT_TAG = bytes((_tag(pb.SearchResponse, "hits", _DELIMITED),))
_REVISION = _tag(pb.SearchResponse, "revision", _VARINT)
_GENERATION = _tag(pb.SearchResponse, "generation", _VARINT)
_RESPONSE = _tag(pb.BatchSearchResponse, "responses", _DELIMITED)
_SCORE, _DENSE, _LEXICAL = (_tag(pb.Hit, each, _FIXED64) for each in ("score", "dense", "lexical"))
_SCORES = Struct("<BdBdBd")
_UNIT_COSINES_TAG = bytes((_tag(pb.Hit, "unit_cosines", _DELIMITED),))


def passage(passage: Passage) -> bytes:
    """Return a hit without its scores, announced as one with them."""
    fields = pb.Hit(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        title=passage.title,
        url=passage.url,
        heading_path=passage.heading_path,
        text=passage.text,
        ordinal=passage.ordinal,
        kind=passage.kind,
    ).SerializeToString()
    return _announced(len(fields) + _SCORES.size) + fields


def search_response(result: SearchResult) -> bytes:
    """Return a SearchResponse whose passages were encoded by `passage`."""
    pack = _SCORES.pack
    parts: list[bytes] = []
    passages = result.passages if not result.units else _announced_with_units(result)
    columns = (passages, result.scores, result.dense, result.lexical)
    for encoded, score, dense, lexical in zip(*columns, strict=True):
        parts += (encoded, pack(_SCORE, score, _DENSE, dense, _LEXICAL, lexical))
    parts.append(bytes((_REVISION, *_varint(result.revision), _GENERATION, *_varint(result.generation))))
    return b"".join(parts)


def batch_search_response(results: Sequence[SearchResult]) -> bytes:
    """Return a BatchSearchResponse."""
    parts: list[bytes] = []
    for each in results:
        response = search_response(each)
        parts += (bytes((_RESPONSE, *_varint(len(response)))), response)
    return b"".join(parts)


def _announced_with_units(result: SearchResult) -> Iterator[bytes]:
    """Yield the passages with units and cosines, announced as hits with scores."""
    cosines = map(_packed, result.unit_cosines) if result.unit_cosines else repeat(b"")
    for encoded, units, packed in zip(result.passages, result.units, cosines, strict=False):
        fields = encoded[_fields_start(encoded) :]
        yield _announced(len(fields) + len(units) + len(packed) + _SCORES.size) + fields + units + packed


def _packed(cosines: FloatVector) -> bytes:
    """Return cosines as a field, where there are any."""
    raw = cosines.astype("<f4", copy=False).tobytes()
    return _UNIT_COSINES_TAG + _varint(len(raw)) + raw if raw else b""


def _fields_start(encoded: bytes) -> int:
    """Return where the fields of an announced hit begin: after its tag and its length."""
    place = 1
    while encoded[place] & 0x80:
        place += 1
    return place + 1


def _announced(size: int) -> bytes:
    return _HIT_TAG + _varint(size)


def _varint(number: int) -> bytes:
    # As a rule: without a loop.
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
