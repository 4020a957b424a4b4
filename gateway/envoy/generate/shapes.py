"""What JSON a protobuf field takes: one model for the strict JSON tables and for OpenAPI."""

from __future__ import annotations

from dataclasses import dataclass

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2 as pb

from gateway.envoy.generate.descriptors import Descriptors

_Field = pb.FieldDescriptorProto
_SCALARS = {
    _Field.TYPE_STRING: "string",
    _Field.TYPE_BYTES: "base64",
    _Field.TYPE_BOOL: "bool",
    _Field.TYPE_DOUBLE: "double",
    _Field.TYPE_INT32: "int32",
}
_WELL_KNOWN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Struct": "any_object",
    "google.protobuf.Value": "any",
    "google.protobuf.ListValue": "any_array",
}


@dataclass(frozen=True)
class Shape:
    """
    A kind of JSON value.

    `kind` is string, base64, bool, double, int32, timestamp, any, any_object, any_array, message, array or
    map; `message` names the message of a `message`, `items` is what an `array` or a `map` holds.
    """

    kind: str
    message: str = ""
    items: Shape | None = None


@dataclass(frozen=True)
class Field:
    """
    A field of a message: its JSON name, its shape and its comment.

    `required` is said of requests; `always_printed` tells that an answer has it whatever its value.
    """

    name: str
    shape: Shape
    required: bool
    always_printed: bool
    comment: str


class Shapes:
    """Gives the fields of messages."""

    def __init__(self, descriptors: Descriptors) -> None:
        self._descriptors = descriptors

    def fields(self, message: str) -> list[Field]:
        """Return the fields of a message in their order. Raises KeyError for an unknown message."""
        return [
            Field(
                name=field.name,
                shape=self._shape(message, field),
                required=field_behavior_pb2.REQUIRED
                in field.options.Extensions[field_behavior_pb2.field_behavior],
                always_printed=_always_printed(field),
                comment=self._descriptors.comment(f"{message}.{field.name}"),
            )
            for field in self._descriptors.messages[message].field
        ]

    def reachable(self, messages: list[str]) -> list[str]:
        """Return these messages and all that can be nested in them, each once."""
        found: list[str] = []
        waiting = list(messages)
        while waiting:
            message = waiting.pop(0)
            if message in found:
                continue
            found.append(message)
            for field in self.fields(message):
                innermost = field.shape
                while innermost.items is not None:
                    innermost = innermost.items
                if innermost.kind == "message":
                    waiting.append(innermost.message)
        return found

    def _shape(self, owner: str, field: pb.FieldDescriptorProto) -> Shape:
        single = self._single(owner, field)
        if single.kind == "map" or field.label != _Field.LABEL_REPEATED:
            return single
        return Shape("array", items=single)

    def _single(self, owner: str, field: pb.FieldDescriptorProto) -> Shape:
        if field.type in _SCALARS:
            return Shape(_SCALARS[field.type])
        type_name = field.type_name.removeprefix(".")
        if field.type != _Field.TYPE_MESSAGE:
            # int64 would be printed as a string, enums would show their prefixes: the public API has neither.
            raise ValueError(
                f"{owner}.{field.name}: a public field is a string, bool, int32, double or message"
            )
        if type_name in _WELL_KNOWN:
            return Shape(_WELL_KNOWN[type_name])
        message = self._descriptors.messages[type_name]
        if message.options.map_entry:
            return Shape("map", items=self._single(type_name, message.field[1]))
        if type_name.startswith("google."):
            raise ValueError(f"{owner}.{field.name}: {type_name} is not supported in the public API")
        return Shape("message", message=type_name)


def _always_printed(field: pb.FieldDescriptorProto) -> bool:
    if field.label == _Field.LABEL_REPEATED:
        return True
    return field.type != _Field.TYPE_MESSAGE and not field.HasField("oneof_index")
