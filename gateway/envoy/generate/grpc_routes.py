"""The RPCs themselves as Envoy's virtual host, for callers that speak gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.envoy.generate.envoy_routes import NO_CHECK, to_room
from gateway.envoy.generate.route_table import READ_BODY_BYTES, Route


def grpc_route_configuration(name: str, routes: Sequence[Route]) -> dict[str, Any]:
    """Return Envoy's route configuration: an entry for each RPC, and a 404 for all else."""
    nothing = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 404},
        "typed_per_filter_config": NO_CHECK,
    }
    entries = [*(_call(route) for route in routes), nothing]
    return {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": entries}]}


def _call(route: Route) -> dict[str, Any]:
    # Read by the two Lua filters of these names.
    for_lua = {
        "shape_status": {"rule": route.rule},
        "check_call": {
            "max_body_bytes": route.max_body_bytes,
            "timeout_ms": route.timeout_ms,
            "meter": route.meter,
        },
    }
    return {
        "name": route.name,
        "match": {"path": f"/{route.name}", "grpc": {}},
        "route": to_room(route),
        "request_body_buffer_limit": 2 * READ_BODY_BYTES,
        "metadata": {"filter_metadata": for_lua},
    }
