"""The route table as Envoy's virtual hosts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from gateway.envoy.generate.request_headers import FOR_SERVICES
from gateway.envoy.generate.route_table import READ_BODY_BYTES, Route

_TYPES = "type.googleapis.com/envoy.extensions.filters.http"
# A service gives up at its deadline and says so; only when it doesn't, Envoy gives up a little later.
_GRACE_MS = 500
# What a page of another origin may send along, and for how many seconds its browser need not ask again (as
# long as Chrome remembers).
_BROWSER_HEADERS = ("authorization", "content-type", *(name.lower() for name in FOR_SERVICES))
_PREFLIGHT_SECONDS = 7_200
_MAX_PAGE_BYTES = 4 * 1024 * 1024
# Where keys are asked for, and the rule of what is not there.
KEYS_PREFIX = "/v1/"
NOBODYS_RULE = "nobody||true|request|"
# Those of RFC 9110 and RFC 5789. The check is asked with the request's own method, and takes no made-up one.
_COUNTED_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
NO_CHECK = {"ext_authz": {"@type": f"{_TYPES}.ext_authz.v3.ExtAuthzPerRoute", "disabled": True}}


def route_configuration(
    name: str, routes: Sequence[Route], pages: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return Envoy's route configuration: `pages`, the routes, preflights and 405s for their paths, 404s."""
    entries = list(pages)
    for_keys = [route for route in routes if route.audience == "api_key"]
    for _, same_path in groupby(routes, key=lambda route: route.path.regex):
        group = list(same_path)
        entries += [_to_service(route) for route in group]
        not_allowed = _not_allowed(group)
        if any(route in for_keys for route in group):
            entries += [_preflight(group), _counted(not_allowed)]
        entries.append(not_allowed)
    if for_keys:
        entries.append(_counted(_direct({"prefix": KEYS_PREFIX}, 404)))
    entries.append(_direct({"prefix": "/"}, 404))
    return {
        "name": name,
        "max_direct_response_body_size_bytes": _MAX_PAGE_BYTES,
        "response_headers_to_add": [_header("x-content-type-options", "nosniff")],
        "virtual_hosts": [{"name": name, "domains": ["*"], "routes": entries}],
    }


def page(path: str, content_type: str, *, file: Path | None = None, text: str = "") -> dict[str, Any]:
    """Return a route that Envoy answers itself, without a check."""
    body = {"filename": str(file)} if file is not None else {"inline_string": text}
    entry = _direct({"path": path, "headers": [_methods("GET", "HEAD")]}, 200, body)
    entry["response_headers_to_add"] = [_header("content-type", content_type)]
    return entry


def page_not_allowed(path: str) -> dict[str, Any]:
    """Return the 405 for the other methods of a page."""
    entry = _direct({"path": path}, 405)
    entry["response_headers_to_add"] = [_header("allow", "GET, HEAD")]
    return entry


def _to_service(route: Route) -> dict[str, Any]:
    # Read by the two Lua filters of these names.
    for_lua = {
        "check_request": {"route": route.name, "meter": route.meter},
        "shape_response": {
            "rule": route.rule,
            "success_status": str(route.success_status),
            "wrapper": route.response_wrapper,
        },
    }
    return {
        "name": f"{route.method} {route.path.text}",
        "match": {**_path(route), "headers": [_methods(route.method)]},
        "route": to_room(route),
        # The request check waits for the whole body and then says whether it is too large for this route.
        # At this limit Envoy would stop reading and wait for ever, so it lies above `body_size_limit`.
        "request_body_buffer_limit": 2 * READ_BODY_BYTES,
        "request_headers_to_add": [_header("grpc-timeout", f"{route.timeout_ms}m")],
        "response_headers_to_add": [_header("cache-control", "no-store")],
        "metadata": {"filter_metadata": for_lua},
    }


def to_room(route: Route) -> dict[str, Any]:
    """Return the action that sends a request on to the service behind its route."""
    action: dict[str, Any] = {"cluster": route.room, "timeout": _seconds(route.timeout_ms + _GRACE_MS)}
    if route.method == "GET":
        # None of these has reached a servicer. A POST is not repeated: the caller decides.
        action["retry_policy"] = {"retry_on": "connect-failure,refused-stream", "num_retries": 2}
    return action


def _preflight(group: Sequence[Route]) -> dict[str, Any]:
    """
    Return the answer to a browser that asks before it sends a request (Fetch standard, "CORS-preflight").

    It carries no key, so any origin hears the same; the request itself is checked.
    """
    asked = [
        _methods("OPTIONS"),
        {"name": "origin", "present_match": True},
        {"name": "access-control-request-method", "present_match": True},
    ]
    entry = _direct({**_path(group[0]), "headers": asked}, 204)
    entry["response_headers_to_add"] = [
        _header("access-control-allow-origin", "*"),
        _header("access-control-allow-methods", ", ".join(sorted(route.method for route in group))),
        _header("access-control-allow-headers", ", ".join(_BROWSER_HEADERS)),
        _header("access-control-max-age", str(_PREFLIGHT_SECONDS)),
    ]
    return entry


def _not_allowed(group: Sequence[Route]) -> dict[str, Any]:
    entry = _direct(_path(group[0]), 405)
    entry["response_headers_to_add"] = [_header("allow", ", ".join(sorted(route.method for route in group)))]
    return entry


def _counted(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of Envoy's, for methods one knows, that counts as a request of the caller's key."""
    checked = {name: value for name, value in entry.items() if name != "typed_per_filter_config"}
    checked["match"] = {**entry["match"], "headers": [_methods(*_COUNTED_METHODS)]}
    return {**checked, "metadata": {"filter_metadata": {"shape_response": {"rule": NOBODYS_RULE}}}}


def _direct(match: dict[str, Any], status: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    response: dict[str, Any] = {"status": status}
    if body is not None:
        response["body"] = body
    return {"match": match, "direct_response": response, "typed_per_filter_config": NO_CHECK}


def _path(route: Route) -> dict[str, Any]:
    if route.path.is_literal:
        return {"path": route.path.text}
    return {"safe_regex": {"regex": route.path.regex}}


def _methods(*methods: str) -> dict[str, Any]:
    return {"name": ":method", "string_match": {"safe_regex": {"regex": "|".join(methods)}}}


def _header(key: str, value: str) -> dict[str, Any]:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}s"
