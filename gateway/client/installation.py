"""Where the local installation is: addresses, the operator's token, the demo key."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.client.errors import NotConfigured

DEFAULT_PORT = 8080


@dataclass(frozen=True)
class Installation:
    """What the environment and the data folder say. `data` is the folder, `gateway_port` None if not said."""

    data: Path
    gateway_port: int | None = None
    key: str | None = None

    @classmethod
    def from_environment(cls) -> Installation:
        """
        Reads DATA_DIR (default `./data`), GATEWAY_PORT and SUPPORTAGENT_KEY.

        Raises:
            NotConfigured: GATEWAY_PORT is no number.
        """
        port = os.environ.get("GATEWAY_PORT", "")
        if port and not port.isdigit():
            raise NotConfigured(f"GATEWAY_PORT is {port!r}; it should be a port number.")
        return cls(
            data=Path(os.environ.get("DATA_DIR") or "data"),
            gateway_port=int(port) if port not in ("", "0") else None,
            key=os.environ.get("SUPPORTAGENT_KEY") or None,
        )

    def gateway_url(self) -> str:
        """Where the public API is: GATEWAY_PORT, else what the running system wrote down, else port 8080."""
        if self.gateway_port is not None:
            return f"http://127.0.0.1:{self.gateway_port}"
        return str(self._read("endpoints.json").get("gateway") or f"http://127.0.0.1:{DEFAULT_PORT}")

    def operator_url(self) -> str:
        """
        Where the operator's API is.

        Raises:
            NotConfigured: no system has run in this data folder.
        """
        url = self._read("endpoints.json").get("operator")
        if not url:
            raise NotConfigured(f"No system is running with the data folder {self.data} (set DATA_DIR).")
        return str(url)

    def operator_token(self) -> str:
        """
        The operator's token.

        Raises:
            NotConfigured: it can't be read.
        """
        try:
            return (self.data / "operator.token").read_text().strip()
        except OSError as error:
            raise NotConfigured(f"The operator token can't be read: {error}") from error

    def api_key(self) -> str:
        """
        SUPPORTAGENT_KEY, else the demo workspace's key.

        Raises:
            NotConfigured: there is neither.
        """
        key = self.key or self._read("demo.json").get("key")
        if not key:
            raise NotConfigured("No API key: give --key or set SUPPORTAGENT_KEY.")
        return str(key)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.data / name).read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
