from __future__ import annotations

import os

from deploy.local.memory import table, usage


def test_table_sums_what_runs() -> None:
    """Each process is a row with its memory, one that is gone says so, and the last row is the sum."""
    processes = {
        "one": {"pid": os.getpid(), "port": 20001, "state": "ready"},
        "gone": {"pid": 2**22 + 1, "port": 20002, "state": "ready"},
        "waiting": {"pid": None, "port": 20003, "state": "backing off"},
    }
    measured = usage({"supervisor": os.getpid(), "processes": processes})
    assert [each.state for each in measured] == ["running", "ready", "gone", "backing off"]
    assert measured[1].rss >= measured[1].pss > 1_000_000
    assert measured[2].pss == 0
    lines = table(measured).splitlines()
    assert len(lines) == 6
    assert lines[-1].split()[0] == "together"
