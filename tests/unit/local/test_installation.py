from __future__ import annotations

from pathlib import Path

from deploy.local.data_directory import DataDirectory
from deploy.local.installation import Addresses, processes, shared_environment


def test_every_process_has_ports_of_its_own() -> None:
    """No two listeners of an installation share a port."""
    addresses = Addresses.allocate(0)
    ports = [addresses.gateway, addresses.operator, addresses.envoy_admin]
    ports += [*addresses.services.values(), *addresses.metrics.values()]
    assert len(set(ports)) == len(ports)


def test_environment_of_a_process(tmp_path: Path) -> None:
    """A process gets the credential and the log level, not the command line's key; what is set is kept."""
    data = DataDirectory(tmp_path)
    inherited = {"SUPPORTAGENT_KEY": "sk", "SUPPORTAGENT_LOG_LEVEL": "debug", "EMBEDDING_THREADS": "4"}
    environment = shared_environment(data, inherited)
    assert "SUPPORTAGENT_KEY" not in environment
    assert environment["SUPPORTAGENT_LOG_LEVEL"] == "debug"
    assert environment["EMBEDDING_THREADS"] == "4"
    assert environment["SUPPORTAGENT_INTERNAL_CREDENTIAL"] == data.internal_credential()


def test_only_query_gets_the_key_for_secrets(tmp_path: Path) -> None:
    """Who does not need a secret does not have it."""
    data = DataDirectory(tmp_path)
    having = [
        each.name
        for each in processes(data, Addresses.allocate(0))
        if data.query_secrets_key() in [*each.environment.values(), *each.command]
    ]
    assert having == ["query"]
    assert data.query_secrets_key() not in shared_environment(data, {}).values()
