"""The table of processes that make up an installation on one machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.data_directory import DataDirectory
from deploy.local.envoy import drain, envoy_command, render_configuration
from deploy.local.ports import Ports
from deploy.local.readiness import GrpcHealth, HttpOk
from deploy.local.specification import Specification
from deploy.local.valkey import ValkeyAnswers, valkey_command, valkey_url, write_configuration

REPOSITORY = Path(__file__).resolve().parents[2]
# Less than the supervisor's patience, so that a drain ends by itself.
DRAIN_SECONDS = 8
GRPC_PROCESSES = ("access", "knowledge", "indexer", "vector_search", "conversations", "query")


@dataclass(frozen=True)
class Addresses:
    """
    The ports of an installation; `services` has one for each gRPC process, `metrics` another.

    `grpc` is the gateway's for native calls, `check` is where access answers the gateway.
    """

    gateway: int
    grpc: int
    operator: int
    envoy_admin: int
    check: int
    valkey: int
    services: dict[str, int]
    metrics: dict[str, int]

    @classmethod
    def allocate(cls, gateway_port: int) -> Addresses:
        """
        Takes free ports; `gateway_port` 0 takes a free one for the gateway too.

        Raises:
            NoFreePort: something listens on the gateway's port.
        """
        ports = Ports()
        return cls(
            gateway=ports.claim(gateway_port),
            grpc=ports.take(),
            operator=ports.take(),
            envoy_admin=ports.take(),
            check=ports.take(),
            valkey=ports.take(),
            services={name: ports.take() for name in GRPC_PROCESSES},
            metrics={name: ports.take() for name in GRPC_PROCESSES},
        )

    def target(self, service: str) -> str:
        """host:port of a gRPC process."""
        return f"127.0.0.1:{self.services[service]}"

    @property
    def gateway_url(self) -> str:
        """Where the public API is."""
        return f"http://127.0.0.1:{self.gateway}"

    @property
    def grpc_target(self) -> str:
        """Where the gateway takes native gRPC calls."""
        return f"127.0.0.1:{self.grpc}"

    @property
    def operator_url(self) -> str:
        """Where the operator's API is."""
        return f"http://127.0.0.1:{self.operator}"

    def endpoints(self) -> dict[str, str]:
        """What those who call the installation have to know."""
        return {"gateway": self.gateway_url, "grpc": self.grpc_target, "operator": self.operator_url}


def processes(data: DataDirectory, addresses: Addresses) -> list[Specification]:
    """
    All processes, in the order in which they are shown and, reversed, stopped.

    Raises:
        ValkeyNotInstalled, EnvoyNotInstalled: a program is missing on this machine.
    """
    counters = valkey_url(data, addresses.valkey)

    def service(
        name: str,
        module: str,
        settings: dict[str, str],
        after: Sequence[str] = (),
    ) -> Specification:
        prefix = name.upper()
        return Specification(
            name=name,
            command=[sys.executable, "-m", module],
            port=addresses.services[name],
            metrics_port=addresses.metrics[name],
            readiness=GrpcHealth(addresses.services[name]),
            after=after,
            environment={
                f"{prefix}_LISTEN": addresses.target(name),
                f"{prefix}_METRICS_PORT": str(addresses.metrics[name]),
                f"{prefix}_DRAIN_SECONDS": str(DRAIN_SECONDS),
                **{f"{prefix}_{setting}": value for setting, value in settings.items()},
            },
        )

    return [
        Specification(
            name="valkey",
            command=valkey_command(write_configuration(data, addresses.valkey)),
            port=addresses.valkey,
            readiness=ValkeyAnswers(counters),
        ),
        service(
            "access",
            "gateway.access",
            {
                "DATABASE_URL": data.sqlite_url("access"),
                "OPERATOR_TOKEN_FILE": str(data.operator_token),
                "CHECK_LISTEN": f"127.0.0.1:{addresses.check}",
                "REDIS_URL": counters,
                "SECRETS_KEY": data.access_secrets_key(),
            },
            after=["valkey"],
        ),
        service(
            "knowledge",
            "services.knowledge",
            {
                "DATABASE_URL": data.sqlite_url("knowledge"),
                "ACCESS_TARGET": addresses.target("access"),
                "QUERY_TARGET": addresses.target("query"),
            },
        ),
        service(
            "indexer",
            "services.knowledge.indexer",
            {"DATABASE_URL": data.sqlite_url("knowledge")},
            after=["knowledge"],
        ),
        service(
            "vector_search",
            "services.vector_search",
            {
                "DATA_DIR": str(data.vector_search),
                "KNOWLEDGE_TARGET": addresses.target("knowledge"),
            },
            after=["knowledge"],
        ),
        service(
            "conversations", "services.conversations", {"DATABASE_URL": data.sqlite_url("conversations")}
        ),
        service(
            "query",
            "services.query",
            {
                "DATABASE_URL": data.sqlite_url("query"),
                "SECRETS_KEY": data.query_secrets_key(),
                "VECTOR_SEARCH_TARGET": addresses.target("vector_search"),
                "CONVERSATIONS_TARGET": addresses.target("conversations"),
                "ACCESS_TARGET": addresses.target("access"),
            },
            after=["access", "vector_search", "conversations"],
        ),
        Specification(
            name="envoy",
            command=envoy_command(render_configuration(data, addresses)),
            port=addresses.gateway,
            readiness=HttpOk(f"http://127.0.0.1:{addresses.envoy_admin}/ready"),
            after=["query"],
            before_stop=lambda: drain(addresses.envoy_admin),
        ),
    ]


def shared_environment(data: DataDirectory, inherited: dict[str, str]) -> dict[str, str]:
    """
    What every process gets: the environment of the supervisor and the installation's credential.

    The processes refuse names with `SUPPORTAGENT_` that they don't know, such as the command line's.
    """
    own = {"SUPPORTAGENT_LOG_LEVEL"}
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("SUPPORTAGENT_") or name in own
    }
    return {
        "EMBEDDING_MODEL_DIR": str(REPOSITORY / "build/models/all-minilm-l6-v2-int8"),
        "EMBEDDING_THREADS": "1",
        **kept,
        "SUPPORTAGENT_INTERNAL_CREDENTIAL": data.internal_credential(),
        "PYTHONUNBUFFERED": "1",
    }
