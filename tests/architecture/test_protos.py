"""Rules of the contract that buf does not know."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from supportagent.conversations.v1 import conversation_service_pb2 as conversations
from supportagent.knowledge.v1 import document_service_pb2 as knowledge
from supportagent.query.v1 import query_service_pb2 as query


def shape(message: Descriptor) -> list[tuple[str, int, int, bool, str | None]]:
    return [(f.name, f.number, f.type, f.is_repeated, _type_name(f)) for f in message.fields]


def _type_name(field: FieldDescriptor) -> str | None:
    return field.message_type.name if field.message_type is not None else None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (query.StreamQueryRequest, query.QueryRequest),
        (knowledge.CreateDocumentRequest, knowledge.DocumentInput),
        (conversations.Source, query.Source),
        (conversations.Action, query.Action),
        (conversations.Confidence, query.Confidence),
    ],
)
def test_twins_are_equal(one: type, other: type) -> None:
    """Messages that repeat another one's fields repeat all of them."""
    assert shape(one.DESCRIPTOR) == shape(other.DESCRIPTOR)  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", [query.DESCRIPTOR, knowledge.DESCRIPTOR, conversations.DESCRIPTOR])
def test_public_numbers_are_json_numbers(file: object) -> None:
    """No public message has a 64-bit integer: JSON would have it as a string."""
    wide = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_SINT64}
    fields = [f for m in file.message_types_by_name.values() for f in m.fields]  # type: ignore[attr-defined]
    assert [f.full_name for f in fields if f.type in wide] == []
