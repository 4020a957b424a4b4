"""The two listeners: the public one, and the operator's on the loopback interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.envoy.generate.endpoints import Address
from gateway.envoy.generate.error_reasons import ErrorReason
from gateway.envoy.generate.problems import local_reply_config

_HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
# Headers by which the gateway speaks to the services. From outside they would be forgeries.
INTERNAL_HEADERS = (
    "x-workspace-id",
    "x-key-id",
    "x-scopes",
    "x-environment",
    "x-internal-credential",
    "x-body-keys",
    "x-request-id",
    "grpc-timeout",
)
_INTERNAL_PREFIXES = ("x-envoy-", "x-problem", "x-subject", "x-internal-", "grpc-")
_ACCESS_LOG = {
    "time": "%START_TIME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "method": "%REQ(:METHOD)%",
    "path": "%DYNAMIC_METADATA(gateway.request:path)%",
    "route": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "milliseconds": "%DURATION%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "key_id": "%REQ(X-KEY-ID)%",
}


def listener(
    name: str,
    address: Address,
    routes: dict[str, Any],
    filters: Sequence[dict[str, Any]],
    reasons: Sequence[ErrorReason],
) -> dict[str, Any]:
    """Return a listener with the whole chain."""
    manager = {"@type": _HCM, **_connection_manager(name, routes, filters, reasons)}
    return {
        "name": name,
        "address": {"socket_address": {"address": address.host, "port_value": address.port}},
        "per_connection_buffer_limit_bytes": 1_048_576,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _connection_manager(
    name: str, routes: dict[str, Any], filters: Sequence[dict[str, Any]], reasons: Sequence[ErrorReason]
) -> dict[str, Any]:
    return {
        "stat_prefix": name,
        "codec_type": "AUTO",
        "use_remote_address": True,
        "server_header_transformation": "PASS_THROUGH",
        # Always a new id: one from outside is dropped with the other internal headers.
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        # A path is matched as it is written; see README.md, "Paths".
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "max_request_headers_kb": 60,
        "request_headers_timeout": "10s",
        "request_timeout": "300s",
        "stream_idle_timeout": "75s",
        "common_http_protocol_options": {
            "idle_timeout": "300s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "http2_protocol_options": {"max_concurrent_streams": 128, "initial_stream_window_size": 1_048_576},
        "early_header_mutation_extensions": [
            {
                "name": "strip_internal_headers",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation"
                    ".header_mutation.v3.HeaderMutation",
                    "mutations": [
                        *({"remove": header} for header in INTERNAL_HEADERS),
                        *(
                            {"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}}
                            for prefix in _INTERNAL_PREFIXES
                        ),
                    ],
                },
            }
        ],
        "local_reply_config": local_reply_config(reasons),
        "access_log": [
            {
                "name": "envoy.access_loggers.stdout",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                    "log_format": {"json_format": _ACCESS_LOG},
                },
            }
        ],
        "route_config": routes,
        "http_filters": list(filters),
    }
