"""The running system does what `/openapi.json` says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.system import System, clean_environment

REPOSITORY = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("openapi") / "schemathesis.toml"
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
# Another one each time where there is time to find something new.
SEED = ["--seed", "5"] if "FUZZ_SECONDS" not in os.environ else []


@pytest.mark.timeout(SECONDS + 180)
def test_running_system_is_what_its_document_says(system: System, tmp_path: Path) -> None:
    """
    Good and bad requests of all kinds get what is documented.

    No 5xx, no undocumented status, body, header or content type; what the schema forbids is refused; nothing
    is open without a key; what was deleted is gone, what was created is there. No process stumbled over it.
    """
    before = set(_logged_errors(system))
    workspace = system.workspace("fuzz", plan="enterprise")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)),
            *("run", f"{system.url}/openapi.json", "--max-time", str(SECONDS), *SEED),
            *("--no-color", "--warnings", "off"),
        ],
        env={**clean_environment(system.data), "FUZZ_KEY": workspace.key, "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-2_000:]}"
    document = httpx.get(f"{system.url}/openapi.json", trust_env=False).json()
    operations = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {operations}\n" in done.stdout
    assert [line for line in _logged_errors(system) if line not in before] == []


def _logged_errors(system: System) -> list[str]:
    logs = sorted((system.data / "logs").glob("*.log"))
    return [line for log in logs for line in log.read_text().splitlines() if '"level": "error"' in line]
