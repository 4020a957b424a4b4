from __future__ import annotations

from pathlib import Path

from deploy.local.data_directory import DataDirectory
from deploy.local.installation import Addresses, processes, shared_environment


def test_every_process_has_ports_of_its_own() -> None:
    """No two listeners of an installation share a port."""
    addresses = Addresses.allocate(0)
    ports = [addresses.gateway, addresses.grpc, addresses.operator, addresses.envoy_admin]
    ports += [addresses.check, addresses.valkey]
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


def test_secrets_go_to_who_needs_them(tmp_path: Path) -> None:
    """Who does not need a secret does not have it, and none is on a command line."""
    data = DataDirectory(tmp_path)
    specifications = processes(data, Addresses.allocate(0))

    def having(secret: str) -> list[str]:
        return [
            each.name
            for each in specifications
            if any(secret in value for value in each.environment.values())
        ]

    secrets = {
        data.query_secrets_key(): ["query"],
        data.access_secrets_key(): ["access"],
        data.valkey_password(): ["access"],
    }
    for secret, names in secrets.items():
        assert having(secret) == names
        assert not any(secret in word for each in specifications for word in each.command)
        assert secret not in shared_environment(data, {}).values()
    assert len(secrets) == 3


def test_access_waits_for_the_counters(tmp_path: Path) -> None:
    """The counters come first and are stopped last."""
    specifications = processes(DataDirectory(tmp_path), Addresses.allocate(0))
    assert specifications[0].name == "valkey"
    assert next(each for each in specifications if each.name == "access").after == ["valkey"]


def test_no_process_waits_for_one_that_waits_for_it(tmp_path: Path) -> None:
    """Who calls another need not start after it: knowledge calls query, which starts last."""
    specifications = processes(DataDirectory(tmp_path), Addresses.allocate(0))
    started: set[str] = set()
    while len(started) < len(specifications):
        ready = {each.name for each in specifications if started.issuperset(each.after)}
        assert ready > started
        started = ready
    knowledge = next(each for each in specifications if each.name == "knowledge")
    query = next(each for each in specifications if each.name == "query")
    assert knowledge.environment["KNOWLEDGE_QUERY_TARGET"] == query.environment["QUERY_LISTEN"]
