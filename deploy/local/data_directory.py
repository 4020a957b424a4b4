"""The folder that holds everything an installation keeps."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import Any


class DataDirectoryInUse(Exception):
    """Another supervisor runs with this folder."""


class DataDirectory:
    """Names and writes the files of `root`, which is made where it is missing."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        for folder in (self.root, self.logs, self.databases, self.envoy, self.vector_search, self.valkey):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def databases(self) -> Path:
        """The SQLite files of the services."""
        return self.root / "db"

    @property
    def envoy(self) -> Path:
        """Envoy's rendered configuration."""
        return self.root / "envoy"

    @property
    def vector_search(self) -> Path:
        """The search service's own files: passages and vectors."""
        return self.root / "vector_search"

    @property
    def valkey(self) -> Path:
        """The counters' configuration; what they count is kept nowhere."""
        return self.root / "valkey"

    @property
    def operator_token(self) -> Path:
        """The operator's token; the access service makes it."""
        return self.root / "operator.token"

    @property
    def processes(self) -> Path:
        """What runs, by name, with pid and port."""
        return self.root / "processes.json"

    @property
    def endpoints(self) -> Path:
        """Where the gateway and the operator's listener are."""
        return self.root / "endpoints.json"

    @property
    def demo(self) -> Path:
        """The demo workspace and its key."""
        return self.root / "demo.json"

    def lock(self) -> None:
        """
        Takes the folder for this process, until it ends in whatever way.

        Raises:
            DataDirectoryInUse: another process has it.
        """
        descriptor = os.open(self.root / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise DataDirectoryInUse(f"Another supervisor runs with the data folder {self.root}.") from None
        self._lock = descriptor

    def internal_credential(self) -> str:
        """The secret that the processes show each other: 256 random bits, made once."""
        return self._secret("internal.credential")

    def query_secrets_key(self) -> str:
        """
        What the keys of language models are encrypted with in the database: 32 random bytes, made once.

        To change it, put a new one and a comma before it in the file; what is written from then on has it.
        """
        return self._secret("query_secrets.key")

    def access_secrets_key(self) -> str:
        """What the keys that sign user tokens are encrypted with; otherwise as `query_secrets_key`."""
        return self._secret("access_secrets.key")

    def valkey_password(self) -> str:
        """The password of the counters: 256 random bits, made once."""
        return self._secret("valkey.password")

    def sqlite_url(self, name: str) -> str:
        """The database URL of a service."""
        return f"sqlite:///{self.databases / f'{name}.sqlite3'}"

    def _secret(self, name: str) -> str:
        path = self.root / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """Writes a value as JSON with `write_private`."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is none."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
