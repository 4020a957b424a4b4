"""The upstream services as Envoy clusters."""

from __future__ import annotations

from typing import Any

from gateway.envoy.generate.endpoints import Address


def cluster(name: str, address: Address) -> dict[str, Any]:
    """Return a gRPC cluster: HTTP/2, a short connect timeout, limits before memory runs out."""
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
                "explicit_http_config": {
                    "http2_protocol_options": {
                        # A peer that has gone without a word is noticed within 15 s.
                        "connection_keepalive": {"interval": "10s", "timeout": "5s"},
                    }
                },
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": socket}}}]}],
        },
    }
