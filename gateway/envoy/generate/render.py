"""Renders everything that Envoy runs with, for one set of addresses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from gateway.envoy.generate.clusters import check_cluster, grpc_cluster
from gateway.envoy.generate.descriptors import Descriptors
from gateway.envoy.generate.docs_page import docs_page
from gateway.envoy.generate.endpoints import Endpoints
from gateway.envoy.generate.envoy_routes import page, page_not_allowed, route_configuration
from gateway.envoy.generate.error_reasons import read_error_reasons
from gateway.envoy.generate.grpc_routes import grpc_route_configuration
from gateway.envoy.generate.http_filters import grpc_filters, http_filters
from gateway.envoy.generate.listeners import listener
from gateway.envoy.generate.lua_tables import render_tables
from gateway.envoy.generate.openapi import openapi
from gateway.envoy.generate.route_table import read_routes
from gateway.envoy.generate.schemas import Schemas
from gateway.envoy.generate.shapes import Shapes

_LUA = Path(__file__).parent.parent / "lua"
_MAX_CONNECTIONS = 20_000


def render(endpoints: Endpoints, out: Path, descriptor_set: Path) -> Path:
    """
    Write `envoy.json`, `lua/`, `openapi.json` and `docs.html` into `out`; return the path of `envoy.json`.

    `descriptor_set` is what `make proto` writes. The files in `out` are read by Envoy when it starts.

    Raises:
        KeyError: a route leads to a service that has no address.
        ValueError: a proto says something that the gateway can't serve.
    """
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    descriptors = Descriptors.load(descriptor_set)
    routes = read_routes(descriptors)
    reasons = read_error_reasons(descriptors)
    shapes = Shapes(descriptors)

    shutil.copytree(_LUA, out / "lua", dirs_exist_ok=True)
    (out / "lua" / "tables.lua").write_text(render_tables(routes, shapes, reasons), encoding="utf-8")

    transcoder_set = out / "descriptors.binpb"
    transcoder_set.write_bytes(descriptors.without_response_bodies())

    operator = [route for route in routes if route.audience == "operator"]
    public = [route for route in routes if route.audience != "operator"]
    document = openapi(public, Schemas(public, descriptors), reasons)
    (out / "openapi.json").write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    (out / "docs.html").write_text(docs_page(document), encoding="utf-8")
    filters = http_filters(routes, transcoder_set, out / "lua")
    listeners = [
        listener(
            "public", endpoints.public, route_configuration("public", public, _pages(out)), filters, reasons
        ),
        listener(
            "operator", endpoints.operator, route_configuration("operator", operator, []), filters, reasons
        ),
    ]
    if endpoints.grpc is not None:
        calls = [route for route in public if route.audience == "api_key"]
        native = grpc_route_configuration("grpc", calls)
        listeners.append(
            listener("grpc", endpoints.grpc, native, grpc_filters(out / "lua"), reasons, native=True)
        )
    config = {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": _socket(endpoints.admin.host, endpoints.admin.port)},
        "overload_manager": {"resource_monitors": [_connection_limit()]},
        "static_resources": {
            "listeners": listeners,
            "clusters": [
                check_cluster(endpoints.check),
                *(
                    grpc_cluster(room, endpoints.service(room))
                    for room in sorted({route.room for route in routes})
                ),
            ],
        },
    }
    path = out / "envoy.json"
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    return path


def _pages(out: Path) -> list[dict[str, Any]]:
    return [
        page("/healthz", "application/json", text='{"status":"ok"}'),
        page_not_allowed("/healthz"),
        page("/openapi.json", "application/json", file=out / "openapi.json"),
        page_not_allowed("/openapi.json"),
        page("/docs", "text/html; charset=utf-8", file=out / "docs.html"),
        page_not_allowed("/docs"),
    ]


def _socket(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _connection_limit() -> dict[str, Any]:
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3"
            ".DownstreamConnectionsConfig",
            "max_active_downstream_connections": _MAX_CONNECTIONS,
        },
    }
