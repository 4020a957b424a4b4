"""The upstream services as Envoy clusters."""

from __future__ import annotations

from typing import Any

from gateway.envoy.generate.endpoints import Address

CHECK = "check"

# A peer that has gone without a word is noticed within 15 s.
_GRPC = {"http2_protocol_options": {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}}
# Shorter than the server keeps a connection that is not used, lest it end one while a request is on its way.
_CHECK_IDLE = "30s"


def grpc_cluster(room: str, address: Address) -> dict[str, Any]:
    """Return the cluster of a service: HTTP/2."""
    return _cluster(room, address, {"explicit_http_config": _GRPC})


def check_cluster(address: Address) -> dict[str, Any]:
    """Return the cluster that the check is asked of: HTTP/1.1."""
    options = {
        "common_http_protocol_options": {"idle_timeout": _CHECK_IDLE},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return _cluster(CHECK, address, options)


def _cluster(name: str, address: Address, http: dict[str, Any]) -> dict[str, Any]:
    """Return a cluster with a short connect timeout, and limits before memory runs out."""
    socket = {"address": address.host, "port_value": address.port}
    return {
        "name": name,
        "type": "STATIC" if address.is_ip else "STRICT_DNS",
        "connect_timeout": "0.25s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 1024,
                    "max_pending_requests": 1024,
                    "max_requests": 4096,
                    "max_retries": 16,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                **http,
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": socket}}}]}],
        },
    }
