"""The descriptor set as plain look-ups by full name, with the comments of the `.proto` files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2 as pb

# Field numbers in descriptor.proto: the steps of a SourceCodeInfo path.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED, _NESTED_ENUM = 2, 3, 4
_VALUE, _METHOD = 2, 2


@dataclass(frozen=True)
class ServiceInFile:
    """A service and the package it stands in."""

    package: str
    descriptor: pb.ServiceDescriptorProto

    @property
    def full_name(self) -> str:
        """Package and name."""
        return f"{self.package}.{self.descriptor.name}"


class Descriptors:
    """Messages, enums and services of a descriptor set made with imports and source info."""

    def __init__(self, files: pb.FileDescriptorSet) -> None:
        self.messages: dict[str, pb.DescriptorProto] = {}
        self.enums: dict[str, pb.EnumDescriptorProto] = {}
        self.services: list[ServiceInFile] = []
        self._comments: dict[str, str] = {}
        self._files = files
        for file in files.file:
            self._add_file(file)

    @classmethod
    def load(cls, path: Path) -> Descriptors:
        """Read the file that `make proto` writes. Raises FileNotFoundError."""
        return cls(pb.FileDescriptorSet.FromString(path.read_bytes()))

    def comment(self, full_name: str) -> str:
        """Return the comment above a thing as one paragraph; empty where there is none."""
        return self._comments.get(full_name, "")

    def without_response_bodies(self) -> bytes:
        """
        Return the set as the transcoder takes it.

        It refuses `response_body` for anything but HttpBody; the gateway unwraps those answers itself.
        """
        files = pb.FileDescriptorSet()
        files.CopyFrom(self._files)
        for file in files.file:
            for service in file.service:
                for method in service.method:
                    if method.options.HasExtension(annotations_pb2.http):
                        method.options.Extensions[annotations_pb2.http].ClearField("response_body")
        return files.SerializeToString()

    def _add_file(self, file: pb.FileDescriptorProto) -> None:
        at_path = {
            tuple(place.path): " ".join(place.leading_comments.split())
            for place in file.source_code_info.location
        }
        for number, message in enumerate(file.message_type):
            self._add_message(file.package, message, (_MESSAGE, number), at_path)
        for number, enum in enumerate(file.enum_type):
            self._add_enum(file.package, enum, (_ENUM, number), at_path)
        for number, service in enumerate(file.service):
            self.services.append(ServiceInFile(file.package, service))
            name = f"{file.package}.{service.name}"
            self._comments[name] = at_path.get((_SERVICE, number), "")
            for index, method in enumerate(service.method):
                self._comments[f"{name}.{method.name}"] = at_path.get((_SERVICE, number, _METHOD, index), "")

    def _add_message(
        self,
        scope: str,
        message: pb.DescriptorProto,
        path: tuple[int, ...],
        at_path: dict[tuple[int, ...], str],
    ) -> None:
        name = f"{scope}.{message.name}"
        self.messages[name] = message
        self._comments[name] = at_path.get(path, "")
        for index, field in enumerate(message.field):
            self._comments[f"{name}.{field.name}"] = at_path.get((*path, _FIELD, index), "")
        for index, nested in enumerate(message.nested_type):
            self._add_message(name, nested, (*path, _NESTED, index), at_path)
        for index, enum in enumerate(message.enum_type):
            self._add_enum(name, enum, (*path, _NESTED_ENUM, index), at_path)

    def _add_enum(
        self,
        scope: str,
        enum: pb.EnumDescriptorProto,
        path: tuple[int, ...],
        at_path: dict[tuple[int, ...], str],
    ) -> None:
        name = f"{scope}.{enum.name}"
        self.enums[name] = enum
        self._comments[name] = at_path.get(path, "")
        for index, value in enumerate(enum.value):
            self._comments[f"{name}.{value.name}"] = at_path.get((*path, _VALUE, index), "")

    def methods(self) -> Iterator[tuple[ServiceInFile, pb.MethodDescriptorProto]]:
        """Yield every RPC with its service, in the order of the files."""
        for service in self.services:
            for method in service.descriptor.method:
                yield service, method
