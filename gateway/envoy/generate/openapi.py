"""openapi.json (3.1) from the route table: what the gateway enforces is what it documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway.envoy.generate.error_reasons import ErrorReason
from gateway.envoy.generate.problems import title
from gateway.envoy.generate.response_headers import documented_headers, header_references
from gateway.envoy.generate.route_table import Route
from gateway.envoy.generate.schemas import Schemas, schema_of
from gateway.envoy.generate.shapes import Field

_TAGS = {
    "query": "Query",
    "knowledge": "Knowledge",
    "conversations": "Conversations",
    "actions": "Actions",
    "access": "Workspaces and keys",
}
# What the gateway may answer whatever the route: too large a body or head, limits, failures.
_OF_ANY_ROUTE = (413, 429, 431, 500, 503, 504)
_REQUEST_HEADERS = {
    "Idempotency-Key": "Same key and body within 24 hours: the first answer again; another body: 422.",
    "If-Match": "An `ETag` from an earlier answer; a stale one gets 412.",
}
_INTRODUCTION = """Grounded answers over your own documentation.

Every `/v1` request carries a key: `Authorization: Bearer sk_live_…`. A key opens one workspace and has
scopes. A publishable key (`pk_…`), which may stand in a page's source, opens the routes that say so, from
its origins alone; a preflight (CORS) carries no key and is answered for any origin.

JSON is snake_case; times are RFC 3339 in UTC. Unknown fields, repeated keys and wrong types are refused; the
answer lists all of them at once, each with a JSON pointer (on routes that take more than 1 MiB, within the
first MiB). A field that is null counts as absent, except in a PATCH, where it is refused.

Every answer has `X-Request-Id`; an id that the caller sends is not taken over. Errors are
`application/problem+json`; their `code` is one of the listed ones.

Requests are limited by the minute, for the workspace and for keys that have a limit of their own. Every
answer to a request with a valid key says where it stands, in `RateLimit-Policy`, `RateLimit` and
`X-RateLimit-…`; beyond a limit it is 429 `RATE_LIMITED`, and a request after `Retry-After` is let through.
A plan's quotas are by the month (UTC): from 80 % of one, `Quota-Warning` comes with every answer, beyond it
429 `QUOTA_EXCEEDED`. What fails on our side is not counted."""


def openapi(routes: Sequence[Route], schemas: Schemas, reasons: Sequence[ErrorReason]) -> dict[str, Any]:
    """Return the document for the public routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, schemas, reasons)
        paths.setdefault(route.path.text, {})[route.method.lower()] = operation
    used = {_TAGS.get(route.room, route.room.title()) for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {"title": "AI Support Agent API", "version": "1", "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in _TAGS.values() if name in used],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components(), **_problem_schemas(reasons)},
            "responses": _responses(reasons),
            "headers": documented_headers(),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: `sk_live_…` or `sk_test_…`, whose scopes say what it may do; "
                    "on routes that say so a publishable one, `pk_live_…` or `pk_test_…`.",
                }
            },
        },
    }


def _operation(route: Route, schemas: Schemas, reasons: Sequence[ErrorReason]) -> dict[str, Any]:
    description = route.comment
    if route.scope:
        description += f" Scope: `{route.scope}`."
    if route.publishable:
        description += " Open to publishable keys."
    operation: dict[str, Any] = {
        "operationId": route.operation[0].lower() + route.operation[1:],
        "tags": [_TAGS.get(route.room, route.room.title())],
        "summary": route.comment.split(". ")[0].rstrip("."),
        "description": description,
        "security": [{"key": [route.scope] if route.scope else []}] if route.audience == "api_key" else [],
    }
    parameters = [_parameter(field, "path") for field in route.path_fields]
    parameters += [_parameter(field, "query") for field in route.query_fields]
    parameters += [_header(name) for name in _REQUEST_HEADERS if f"`{name}`" in route.comment]
    if parameters:
        operation["parameters"] = parameters
    if route.body_message:
        content = {"application/json": {"schema": schemas.reference(route.body_message)}}
        operation["requestBody"] = {
            "required": not route.body_optional,
            "description": f"At most {route.max_body_bytes} bytes.",
            "content": content,
        }
    operation["responses"] = _answers(route, schemas, reasons)
    return operation


def _answers(route: Route, schemas: Schemas, reasons: Sequence[ErrorReason]) -> dict[str, Any]:
    media = "text/event-stream" if route.streaming else "application/json"
    success = {
        "description": "Each `data:` line is one of these objects." if route.streaming else "Done.",
        "headers": header_references(limited=route.audience == "api_key"),
        "content": {media: {"schema": schemas.reference(route.response_message)}},
    }
    answers: dict[str, Any] = {str(route.success_status): success}
    # The codes that the comments of the RPC and of its request's fields name.
    said = " ".join([route.comment, *schemas.comments(route.request_message)])
    statuses = [400, *(reason.status for reason in reasons if re.search(rf"\b{reason.code}\b", said))]
    if route.audience != "anyone":
        statuses += [401]
    if route.audience == "api_key":
        statuses += [403]
    if route.path_fields:
        statuses += [404]
    if "`If-Match`" in route.comment:
        statuses += [412]
    if route.body_message:
        statuses += [415]
    if "`Idempotency-Key`" in route.comment:
        statuses += [409, 422]
    for status in sorted({*statuses, *_OF_ANY_ROUTE}):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return answers


def _parameter(field: Field, place: str) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": place,
        "required": place == "path" or field.required,
        "description": field.comment,
        "schema": schema_of(field.shape, lambda message: message),
    }


def _header(name: str) -> dict[str, Any]:
    text = _REQUEST_HEADERS[name]
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }


def _problem_schemas(reasons: Sequence[ErrorReason]) -> dict[str, Any]:
    codes = "\n".join(f"- `{reason.code}` ({reason.status}): {reason.description}" for reason in reasons)
    text = {"type": "string"}
    return {
        "Problem": {
            "type": "object",
            "description": "What went wrong (RFC 9457).",
            "required": ["type", "title", "status", "detail", "code", "request_id", "errors"],
            "properties": {
                "type": {"type": "string", "const": "about:blank"},
                "title": {**text, "description": "The status in words."},
                "status": {"type": "integer", "description": "The HTTP status."},
                "detail": {**text, "description": "What happened, for people."},
                "code": {"$ref": "#/components/schemas/ErrorCode"},
                "request_id": {**text, "description": "The request's id, as in `X-Request-Id`."},
                "errors": {
                    "type": "array",
                    "description": "Everything that is wrong with the request.",
                    "items": {"$ref": "#/components/schemas/Violation"},
                },
            },
        },
        "Violation": {
            "type": "object",
            "required": ["pointer", "detail"],
            "properties": {
                "pointer": {**text, "description": "JSON pointer into the body, or `/name` of a parameter."},
                "detail": {**text, "description": "What is wrong there."},
            },
        },
        "ErrorCode": {"type": "string", "description": codes, "enum": [reason.code for reason in reasons]},
    }


def _responses(reasons: Sequence[ErrorReason]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in sorted({reason.status for reason in reasons}):
        codes = ", ".join(f"`{reason.code}`" for reason in reasons if reason.status == status)
        responses[str(status)] = {
            "description": f"{title(status)}: {codes}.",
            "headers": header_references(limited=status != 401, status=status),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses
