"""How much memory the processes of an installation use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Bytes of one process and its children; `pss` shares out pages that several processes have."""

    name: str
    pid: int
    port: int | None
    state: str
    rss: int
    pss: int


def usage(state: dict[str, Any]) -> list[Usage]:
    """The memory of all processes in the supervisor's state file, the supervisor's own included."""
    found = [_measure("supervisor", state["supervisor"], None, "running")]
    for name, process in state["processes"].items():
        found.append(_measure(name, process["pid"], process["port"], process["state"]))
    return found


def table(usages: list[Usage]) -> str:
    """The usage as text, with its sum."""
    lines = [f"{'NAME':<15} {'PID':>8} {'PORT':>6} {'STATE':<12} {'RSS MB':>8} {'PSS MB':>8}"]
    for each in usages:
        port, pid = each.port or "", each.pid or ""
        lines.append(f"{each.name:<15} {pid:>8} {port:>6} {each.state:<12} {_mb(each.rss)} {_mb(each.pss)}")
    total_rss, total_pss = sum(each.rss for each in usages), sum(each.pss for each in usages)
    lines.append(f"{'together':<15} {'':>8} {'':>6} {'':<12} {_mb(total_rss)} {_mb(total_pss)}")
    return "\n".join(lines)


def _mb(size: int) -> str:
    return f"{size / MEGABYTE:8.1f}"


def _measure(name: str, pid: int | None, port: int | None, state: str) -> Usage:
    if not pid:
        return Usage(name, 0, port, state, 0, 0)
    rss = pss = 0
    try:
        process = psutil.Process(pid)
        # The supervisor's children are rows of their own.
        family = [process] if name == "supervisor" else [process, *process.children(recursive=True)]
        for each in family:
            memory = each.memory_full_info()
            rss += memory.rss
            pss += memory.pss
    except psutil.Error:
        return Usage(name, pid, port, "gone", 0, 0)
    return Usage(name, pid, port, state, rss, pss)
