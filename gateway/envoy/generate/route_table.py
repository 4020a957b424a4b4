"""The one route table: every RPC with an HTTP route, what the route takes and what it demands."""

from __future__ import annotations

from dataclasses import dataclass

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2 as pb
from supportagent.access.v1 import annotations_pb2 as access

from gateway.envoy.generate.descriptors import Descriptors, ServiceInFile
from gateway.envoy.generate.path_template import PathTemplate
from gateway.envoy.generate.shapes import Field, Shapes

DEFAULT_TIMEOUT_MS = 15_000
DEFAULT_BODY_BYTES = 1_048_576
LARGEST_BODY_BYTES = 15_728_640
# Bodies that are a little too large are read to their end all the same, so that every client reads the 413.
READ_BODY_BYTES = 20_971_520

METERS = {
    access.METER_UNSPECIFIED: "request",
    access.METER_QUERY: "query",
    access.METER_KNOWLEDGE_WRITE: "knowledge_write",
}
AUDIENCES = {
    access.AUDIENCE_API_KEY: "api_key",
    access.AUDIENCE_OPERATOR: "operator",
    access.AUDIENCE_ANYONE: "anyone",
}


@dataclass(frozen=True)
class Route:
    """One HTTP route and the RPC behind it."""

    service: str
    operation: str
    room: str
    method: str
    path: PathTemplate
    audience: str
    scope: str
    publishable: bool
    meter: str
    success_status: int
    timeout_ms: int
    max_body_bytes: int
    streaming: bool
    body_message: str
    body_is_request: bool
    body_required: tuple[str, ...]
    request_message: str
    response_message: str
    response_wrapper: str
    path_fields: tuple[Field, ...]
    query_fields: tuple[Field, ...]
    comment: str

    @property
    def name(self) -> str:
        """The RPC's full name with a slash, as gRPC writes it: `supportagent.query.v1.QueryService/Query`."""
        return f"{self.service}/{self.operation}"

    @property
    def body_optional(self) -> bool:
        """Whether no body at all says the same as an empty object: a POST whose fields may all be absent."""
        return self.method == "POST" and bool(self.body_message) and not self.body_required

    @property
    def rule(self) -> str:
        """What access has to know of the route, in one header: `audience|scope|publishable|meter|name`."""
        publishable = "true" if self.publishable else "false"
        return "|".join((self.audience, self.scope, publishable, self.meter, self.name))


def read_routes(descriptors: Descriptors) -> list[Route]:
    """
    Return all routes, the more literal paths first.

    Raises:
        ValueError: an annotation is missing, or of a form that the gateway does not serve.
    """
    shapes = Shapes(descriptors)
    routes = [
        _route(descriptors, shapes, service, method)
        for service, method in descriptors.methods()
        if method.options.HasExtension(annotations_pb2.http)
    ]
    routes.sort(key=lambda route: (route.path.order(), route.method))
    seen: set[tuple[str, str]] = set()
    for route in routes:
        place = (route.method, route.path.regex)
        if place in seen:
            raise ValueError(f"two RPCs have the route {route.method} {route.path.text}")
        seen.add(place)
    return routes


def _route(
    descriptors: Descriptors, shapes: Shapes, service: ServiceInFile, method: pb.MethodDescriptorProto
) -> Route:
    name = f"{service.full_name}.{method.name}"
    http = method.options.Extensions[annotations_pb2.http]
    verb = http.WhichOneof("pattern")
    if verb is None or verb == "custom" or http.additional_bindings or method.client_streaming:
        raise ValueError(
            f"{name}: one binding with a plain verb and no client stream is what the gateway serves"
        )
    rule = method.options.Extensions[access.route]
    if rule.audience not in AUDIENCES:
        raise ValueError(f"{name}: the route says nothing of its audience")
    if rule.max_body_bytes > LARGEST_BODY_BYTES:
        raise ValueError(f"{name}: no route takes more than {LARGEST_BODY_BYTES} bytes")
    path = PathTemplate.parse(getattr(http, verb))
    fields = {field.name: field for field in shapes.fields(method.input_type.removeprefix("."))}
    in_path = [variable.name for variable in path.variables]
    body_message = ""
    body_required: tuple[str, ...] = ()
    if http.body == "*":
        body_message = method.input_type.removeprefix(".")
    elif http.body:
        body_message = fields[http.body].shape.message
    if body_message:
        body_required = tuple(
            field.name
            for field in shapes.fields(body_message)
            if field.required and (http.body != "*" or field.name not in in_path)
        )
    query = (
        () if http.body == "*" else tuple(f for n, f in fields.items() if n not in in_path and n != http.body)
    )
    response = method.output_type.removeprefix(".")
    if http.response_body:
        answers = {field.name: field for field in shapes.fields(response)}
        response = answers[http.response_body].shape.message
    return Route(
        service=service.full_name,
        operation=method.name,
        room=service.package.split(".")[1],
        method=verb.upper(),
        path=path,
        audience=AUDIENCES[rule.audience],
        scope=rule.scope,
        publishable=rule.publishable,
        meter=METERS[rule.meter],
        success_status=rule.success_status or 200,
        timeout_ms=rule.timeout_ms or DEFAULT_TIMEOUT_MS,
        max_body_bytes=rule.max_body_bytes or DEFAULT_BODY_BYTES,
        streaming=method.server_streaming,
        body_message=body_message,
        body_is_request=http.body == "*",
        body_required=body_required,
        request_message=method.input_type.removeprefix("."),
        response_message=response,
        response_wrapper=http.response_body,
        path_fields=tuple(fields[name] for name in in_path),
        query_fields=query,
        comment=descriptors.comment(name),
    )
