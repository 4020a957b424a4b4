"""JSON Schemas of the messages that the public routes take and return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from gateway.envoy.generate.descriptors import Descriptors
from gateway.envoy.generate.route_table import Route
from gateway.envoy.generate.shapes import Field, Shape, Shapes

_PLAIN: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "base64": {"type": "string", "contentEncoding": "base64"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "double": {"type": "number", "format": "double"},
    "timestamp": {"type": "string", "format": "date-time"},
    "any": {},
    "any_object": {"type": "object"},
    "any_array": {"type": "array"},
}


def schema_of(shape: Shape, name_of: Callable[[str], str]) -> dict[str, Any]:
    """Return the schema of a shape; messages are references to components that `name_of` names."""
    if shape.kind == "message":
        return {"$ref": f"#/components/schemas/{name_of(shape.message)}"}
    if shape.items is None:
        return dict(_PLAIN[shape.kind])
    inner = schema_of(shape.items, name_of)
    if shape.kind == "array":
        return {"type": "array", "items": inner}
    return {"type": "object", "additionalProperties": inner}


class Schemas:
    """The components of the document: one schema for each message that a route can carry."""

    def __init__(self, routes: Sequence[Route], descriptors: Descriptors) -> None:
        self._descriptors = descriptors
        self._shapes = Shapes(descriptors)
        self._requests = self._shapes.reachable(
            [route.body_message for route in routes if route.body_message]
        )
        answers = self._shapes.reachable([route.response_message for route in routes])
        self._messages = sorted({*self._requests, *answers})
        short = Counter(message.rpartition(".")[2] for message in self._messages)
        self._shared = {name for name, count in short.items() if count > 1}

    def reference(self, message: str) -> dict[str, Any]:
        """Return a reference to a message's schema."""
        return schema_of(Shape("message", message=message), self.name)

    def name(self, message: str) -> str:
        """Return a message's component name; where two rooms have the name, the room comes before it."""
        short = message.rpartition(".")[2]
        return message.split(".")[1].title().replace("_", "") + short if short in self._shared else short

    def comments(self, message: str) -> list[str]:
        """Return the comments of a message's fields."""
        return [field.comment for field in self._shapes.fields(message)]

    def components(self) -> dict[str, Any]:
        """Return all schemas by name."""
        return {self.name(message): self._object(message) for message in self._messages}

    def _object(self, message: str) -> dict[str, Any]:
        fields = self._shapes.fields(message)
        of_request = message in self._requests
        schema: dict[str, Any] = {
            "type": "object",
            "description": self._descriptors.comment(message),
            "properties": {field.name: self._property(field) for field in fields},
        }
        required = [
            field.name for field in fields if (field.required if of_request else field.always_printed)
        ]
        if required:
            schema["required"] = required
        if of_request:
            schema["additionalProperties"] = False
        return schema

    def _property(self, field: Field) -> dict[str, Any]:
        return {**schema_of(field.shape, self.name), "description": field.comment}
