"""The listeners: the public one, the operator's on the loopback interface, the one of native gRPC calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.envoy.generate.endpoints import Address
from gateway.envoy.generate.error_reasons import ErrorReason
from gateway.envoy.generate.problems import local_reply_config
from gateway.envoy.generate.request_headers import CREDENTIAL, INTERNAL

_HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_INTERNAL_PREFIXES = ("x-envoy-", "x-problem", "x-subject", "x-internal-")
_CREDENTIAL_VARIABLE = "SUPPORTAGENT_INTERNAL_CREDENTIAL"
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
    *,
    native: bool = False,
) -> dict[str, Any]:
    """Return a listener with the whole chain; `native`: it takes gRPC calls as they are, and nothing else."""
    manager = {
        "@type": _HCM,
        **_connection_manager(name, routes, filters, reasons),
        "codec_type": "HTTP2" if native else "AUTO",
        "early_header_mutation_extensions": [_own_headers_only(native)],
    }
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
        # A method that nobody knows is refused like one that the route does not have: 405, not 400.
        "http_protocol_options": {"allow_custom_methods": True},
        "http2_protocol_options": {"max_concurrent_streams": 128, "initial_stream_window_size": 1_048_576},
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


def _own_headers_only(native: bool) -> dict[str, Any]:
    """Return the step before all others: internal headers from outside go, the gateway's credential comes."""
    # Over JSON these say nothing; of a native call they are a part.
    prefixes = _INTERNAL_PREFIXES if native else (*_INTERNAL_PREFIXES, "grpc-")
    # The configuration names the variable, so that it can be read and shipped as it is.
    credential = {"key": CREDENTIAL, "value": f"%ENVIRONMENT({_CREDENTIAL_VARIABLE})%"}
    return {
        "name": "own_headers_only",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation"
            ".header_mutation.v3.HeaderMutation",
            "mutations": [
                *({"remove": header} for header in INTERNAL),
                *(
                    {"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}}
                    for prefix in prefixes
                ),
                {"append": {"header": credential, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}},
            ],
        },
    }
