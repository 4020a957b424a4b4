"""The tables that the Lua filters read, as one Lua module."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gateway.envoy.generate import request_headers
from gateway.envoy.generate.error_reasons import ErrorReason
from gateway.envoy.generate.problems import (
    ERROR_DOMAIN,
    GRPC_CODES,
    GRPC_FALLBACKS,
    GRPC_OF_STATUS,
    TEXTS,
    title,
)
from gateway.envoy.generate.route_table import Route
from gateway.envoy.generate.shapes import Field, Shape, Shapes

LuaValue: TypeAlias = (
    "str | int | bool | Sequence[LuaValue] | Mapping[str, LuaValue] | Mapping[int, LuaValue]"
)

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_LUA_WORDS = {
    "end",
    "repeat",
    "for",
    "in",
    "not",
    "and",
    "or",
    "if",
    "do",
    "local",
    "function",
    "return",
    "then",
}


def render_tables(routes: Sequence[Route], shapes: Shapes, reasons: Sequence[ErrorReason]) -> str:
    """
    Return the module `tables`.

    It has `routes` (by RPC), `messages` (the fields of each body message and their shapes), `statuses`
    (code to HTTP status), `titles`, `texts`, `fallbacks` (gRPC status to code), `grpc_codes` and
    `grpc_of_status` (HTTP status to gRPC status), `error_domain` and `headers`.
    """
    bodies = [route.body_message for route in routes if route.body_message]
    messages: dict[str, LuaValue] = {"": {}}
    for message in shapes.reachable(bodies):
        messages[message] = {field.name: _shape(field.shape) for field in shapes.fields(message)}
    tables: dict[str, LuaValue] = {
        "routes": {route.name: _route(route) for route in routes},
        "messages": messages,
        "statuses": {reason.code: reason.status for reason in reasons},
        "titles": {status: title(status) for status in sorted({reason.status for reason in reasons})},
        "texts": dict(TEXTS),
        "fallbacks": dict(GRPC_FALLBACKS),
        "grpc_codes": dict(GRPC_CODES),
        "grpc_of_status": dict(GRPC_OF_STATUS),
        "error_domain": ERROR_DOMAIN,
        "headers": _headers(),
    }
    return (
        "-- Generated from the descriptor set; see gateway/envoy/generate.\nreturn " + _lua(tables, 0) + "\n"
    )


def _headers() -> dict[str, LuaValue]:
    return {
        "from_outside": dict.fromkeys(request_headers.from_outside(), True),
        "of_calls": dict.fromkeys(request_headers.of_calls(), True),
        "rule": request_headers.RULE,
        "client_address": request_headers.CLIENT_ADDRESS,
        "no_query": request_headers.NO_QUERY,
        "credential": request_headers.CREDENTIAL,
        "not_for_services": list(request_headers.not_for_services()),
        "for_services": list(request_headers.FOR_SERVICES),
        "longest_value": request_headers.LONGEST_VALUE,
        "longest_path": request_headers.LONGEST_PATH,
    }


def _route(route: Route) -> dict[str, LuaValue]:
    table: dict[str, LuaValue] = {
        "method": route.method,
        "max_body_bytes": route.max_body_bytes,
        "pattern": route.path.lua_pattern,
        "variables": [
            {"name": variable.name, "many": variable.many, "kind": _url_kind(field)}
            for variable, field in zip(route.path.variables, route.path_fields, strict=True)
        ],
        "query": {field.name: _url_kind(field) for field in route.query_fields},
        "query_required": [field.name for field in route.query_fields if field.required],
        "required": list(route.body_required),
        "not_in_body": {field.name: True for field in route.path_fields} if route.body_is_request else {},
    }
    if route.body_message:
        table["body"] = route.body_message
        table["body_optional"] = route.body_optional
    return table


def _url_kind(field: Field) -> str:
    if field.shape.kind in ("message", "map", "any", "any_object", "any_array", "base64"):
        raise ValueError(f"{field.name} is of a kind that does not fit into a path or a query string")
    return field.shape.kind


def _shape(shape: Shape) -> dict[str, LuaValue]:
    table: dict[str, LuaValue] = {"kind": shape.kind}
    if shape.message:
        table["message"] = shape.message
    if shape.items is not None:
        table["items"] = _shape(shape.items)
    return table


def _lua(value: LuaValue, depth: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        # Lua reads UTF-8 bytes as they are; of JSON's escapes only \" \\ \n \r \t occur in our texts.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        indent = "  " * (depth + 1)
        rows = [f"{indent}{_key(key)} = {_lua(item, depth + 1)},\n" for key, item in value.items()]
        return "{\n" + "".join(rows) + "  " * depth + "}" if rows else "{}"
    return "{ " + ", ".join(_lua(item, depth + 1) for item in value) + " }" if value else "{}"


def _key(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return key if _NAME.match(key) and key not in _LUA_WORDS else f"[{json.dumps(key, ensure_ascii=False)}]"
