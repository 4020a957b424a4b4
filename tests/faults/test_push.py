from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.system import System, clean_environment

PAGES = 60


@pytest.mark.parametrize("name", ["knowledge", "indexer", "vector_search", "envoy"])
def test_push_goes_on_over_a_killed_process(system: System, tmp_path: Path, name: str) -> None:
    """`kb push` outlives a process that is killed while it runs, and ends with every page in the index."""
    workspace = system.workspace(f"push-{name.replace('_', '-')}")
    for number in range(PAGES):
        text = f"# Page {number}\n\nDrawer {number} holds the spare keys of house {number}.\n"
        (tmp_path / f"{number}.md").write_text(text)
    environment = {**clean_environment(system.data), "SUPPORTAGENT_KEY": workspace.key}
    push = subprocess.Popen(
        [sys.executable, "-m", "gateway.client", "kb", "push", str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert push.stderr is not None
    assert push.stderr.readline() == f"indexed 0/{PAGES}\n"
    starts = system.kill(name)
    said, complaints = push.communicate(timeout=120)
    assert push.returncode == 0, complaints
    assert said == f"{PAGES} created, 0 updated, 0 unchanged, 0 failed\n"
    system.wait_restarted(name, starts)
    index = workspace.http.get("/v1/knowledge/index").json()
    assert (index["documents"], index["pending"], index["failed"]) == (PAGES, 0, 0)
