"""The chains of HTTP filters, in the order in which a request meets them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.envoy.generate.clusters import CHECK
from gateway.envoy.generate.request_headers import CALLER, FOR_ACCESS
from gateway.envoy.generate.route_table import READ_BODY_BYTES, Route

_TYPES = "type.googleapis.com/envoy.extensions.filters.http"
# Tokens per address: bursts of a second, refilled ten times as often. Not below 2,000 requests a second.
_FLOOD_PER_SECOND = 2_000
_MAX_ADDRESSES = 20_000
_CHECK_TIMEOUT = "1s"
# Of what access answers, what callers get with every answer to a request that it lets pass …
_WITH_ANSWERS = (
    {"prefix": "ratelimit"},
    {"prefix": "x-ratelimit-"},
    {"exact": "quota-warning"},
    {"prefix": "access-control-"},
    {"exact": "vary"},
)
# … and with a refusal.
_WITH_REFUSALS = ({"exact": "content-type"}, {"exact": "www-authenticate"}, {"exact": "retry-after"})


def http_filters(routes: Sequence[Route], descriptor_set: Path, lua: Path) -> list[dict[str, Any]]:
    """Return the chain of JSON. Answers meet it in the opposite order, so `shape_response` sees them last."""
    return [
        _lua("shape_response", lua),
        *_guards(),
        _lua("check_request", lua),
        _filter(
            "grpc_json_transcoder",
            "grpc_json_transcoder.v3.GrpcJsonTranscoder",
            _transcoder(routes, descriptor_set),
        ),
        *_way_out(),
    ]


def grpc_filters(lua: Path) -> list[dict[str, Any]]:
    """Return the chain of native gRPC calls: the same guards, nothing to do with JSON."""
    return [_lua("shape_status", lua), *_guards(), _lua("check_call", lua), *_way_out()]


def _guards() -> list[dict[str, Any]]:
    return [
        # More than any route takes is answered at once; a route's own limit is the request check's.
        _filter(
            "body_size_limit", "body_size_limit.v3.BodySizeLimit", {"max_request_bytes": READ_BODY_BYTES}
        ),
        _filter("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", _flood_guard()),
        _filter("ext_authz", "ext_authz.v3.ExtAuthz", _check()),
    ]


def _way_out() -> list[dict[str, Any]]:
    return [
        _filter("grpc_stats", "grpc_stats.v3.FilterConfig", {"stats_for_all_methods": True}),
        _filter("router", "router.v3.Router", {"suppress_envoy_headers": True}),
    ]


def _filter(name: str, type_name: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": f"{_TYPES}.{type_name}", **settings}}


def _lua(name: str, lua: Path) -> dict[str, Any]:
    settings = {
        "default_source_code": {"filename": str(lua / f"{name}.lua")},
        "package_paths": [str(lua / "?.lua")],
        # The route is chosen once: what the filters change must not lead to another one.
        "clear_route_cache": False,
    }
    return _filter(name, "lua.v3.Lua", settings)


def _flood_guard() -> dict[str, Any]:
    bucket = {
        "max_tokens": _FLOOD_PER_SECOND,
        "tokens_per_fill": _FLOOD_PER_SECOND // 10,
        "fill_interval": "0.1s",
    }
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "stat_prefix": "flood_guard",
        "filter_enabled": always,
        "filter_enforced": always,
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": bucket}],
        "max_dynamic_descriptors": _MAX_ADDRESSES,
        # Without a descriptor of its own nobody is limited: the bucket for all together is out of the way.
        "token_bucket": {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "0.1s"},
        "always_consume_default_token_bucket": False,
    }


def _check() -> dict[str, Any]:
    return {
        "http_service": {
            "server_uri": {"uri": f"http://{CHECK}", "cluster": CHECK, "timeout": _CHECK_TIMEOUT},
            # A path may hold what should have been in a header.
            "path_override": "/",
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"exact": name} for name in CALLER]},
                "allowed_client_headers": {"patterns": [*_WITH_ANSWERS, *_WITH_REFUSALS]},
                "allowed_client_headers_on_success": {"patterns": list(_WITH_ANSWERS)},
            },
        },
        "failure_mode_allow": False,
        # Access is down: that is no verdict on the caller.
        "status_on_error": {"code": "ServiceUnavailable"},
        "allowed_headers": {"patterns": [{"exact": name} for name in FOR_ACCESS]},
        "validate_mutations": True,
    }


def _transcoder(routes: Sequence[Route], descriptor_set: Path) -> dict[str, Any]:
    return {
        "proto_descriptor": str(descriptor_set),
        "services": sorted({route.service for route in routes}),
        "convert_grpc_status": True,
        "match_incoming_request_route": True,
        # A variable over several segments gets all its characters back, slashes too.
        "url_unescape_spec": "ALL_CHARACTERS",
        "query_param_unescape_plus": True,
        "print_options": {
            "always_print_primitive_fields": True,
            "preserve_proto_field_names": True,
            "stream_newline_delimited": True,
            "stream_sse_style_delimited": True,
        },
        "request_validation_options": {
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        "max_request_body_size": 2 * READ_BODY_BYTES,
        "max_response_body_size": 64 * 1024 * 1024,
    }
