"""
`make bench PART=vector`: vector search beside its peers, in one run.

Prints a Markdown table and writes `build/bench/vector.json`. All engines hold the same points and stay up;
they are measured in turns, round by round, so that a slow minute of the machine meets all of them, and each
ratio is the median of the rounds' ratios.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from services.runtime.logs import configure
from tests.bench import load
from tests.bench.data import FOLDER, Data, prepare
from tests.bench.engine import Engine, Speed, Tuned, tune
from tests.bench.peers.pgvector import Pgvector
from tests.bench.peers.process import LibraryPeer, PeerFailed, ServedPeer, files_of
from tests.bench.replica import Replica
from tests.bench.table import Row, machine, markdown

LEVELS = (0.95, 0.99)
PEERS = ("hnswlib", "faiss", "usearch", "chroma", "pgvector", "milvus-lite")
_REPORT = FOLDER / "vector.json"

Rounds = dict[str, list[Speed]]
"""By what was measured: one speed per round."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Vector search beside its peers.")
    parser.add_argument("--points", type=int, default=int(os.environ.get("BENCH_POINTS", "100000")))
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "5")))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("BENCH_SECONDS", "3")))
    parser.add_argument("--peers", default=os.environ.get("BENCH_PEERS", ",".join(PEERS)))
    given = parser.parse_args(arguments)
    configure("bench", "error")
    load.build()
    data = prepare(given.points)
    _say(f"{data.size} points, text {data.text_checksum}; exact answers")
    _ = data.truth
    with _Bench(data, given.seconds, given.rounds) as bench:
        bench.open_peers([name for name in given.peers.split(",") if name])
        report = bench.measure()
    FOLDER.mkdir(parents=True, exist_ok=True)
    _REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(report["table"])


class _Bench:
    def __init__(self, data: Data, seconds: float, rounds: int) -> None:
        self._data = data
        self._seconds = seconds
        self._rounds = rounds
        self._peers: dict[str, Engine] = {}
        self._missing: dict[str, str] = {}
        self._tuned: dict[tuple[str, float], Tuned] = {}
        self._built: dict[str, float] = {}
        self._replica = Replica(data)

    def __enter__(self) -> "_Bench":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._peers.values():
            each.close()
        self._replica.close()

    def open_peers(self, names: Sequence[str]) -> None:
        files = files_of(self._data)
        for name in names:
            _say(f"{name}: build and tune")
            try:
                self._open(name, files)
            except (PeerFailed, RuntimeError, OSError) as error:
                self._missing[name] = str(error)
                _say(f"{name} is not there: {error}")
                if name in self._peers:
                    self._peers.pop(name).close()

    def _open(self, name: str, files: tuple[Any, Any]) -> None:
        peer: Engine
        if name == "pgvector":
            peer = Pgvector(self._data)
        elif name in ("hnswlib", "faiss", "usearch"):
            peer = LibraryPeer(name, files)
        else:
            peer = ServedPeer(name, files)
        self._peers[name] = peer
        self._built[name] = self._data.size / peer.build()
        for level in LEVELS:
            self._tuned[name, level] = tune(peer, self._data.truth, level)

    def measure(self) -> dict[str, Any]:
        replica = self._replica
        _say("ours: fill, merge and tune")
        self._built["ours"] = replica.build()
        for level in LEVELS:
            self._tuned["ours", level] = replica.tune(level)
        levels = {level: self._level(level) for level in LEVELS}
        ef = self._tuned["ours", LEVELS[0]].ef
        report: dict[str, Any] = {
            "machine": machine(),
            "points": self._data.size,
            "text": self._data.text_checksum,
        }
        report["missing"] = self._missing
        report["ratios"] = self._ratios(levels[LEVELS[0]])
        report["ratios_at_99"] = self._ratios(levels[LEVELS[1]])
        report["filters"], report["ratios"]["filtered_to_unfiltered"] = self._filters(ef)
        report["facts"] = self._facts(ef)
        report["speeds"] = {
            str(level): {what: [asdict(each) for each in speeds] for what, speeds in rounds.items()}
            for level, rounds in levels.items()
        }
        report["tuned"] = {f"{name} {level}": asdict(tuned) for (name, level), tuned in self._tuned.items()}
        report["build_points_per_second"] = self._built
        rows = [row for level in LEVELS for row in self._rows(level, levels[level])]
        report["table"] = markdown(rows, self._missing, report)
        return report

    def _level(self, level: float) -> Rounds:
        for name, peer in self._peers.items():
            peer.set_ef(self._tuned[name, level].ef)
        rounds: Rounds = {}
        for number in range(self._rounds):
            _say(f"recall {level}: round {number + 1} of {self._rounds}")
            for what, measure in self._measures(level):
                speed = measure()
                if speed is not None:
                    rounds.setdefault(what, []).append(speed)
        return rounds

    def _measures(self, level: float) -> list[tuple[str, Callable[[], Speed | None]]]:
        replica, seconds, ef = self._replica, self._seconds, self._tuned["ours", level].ef
        measures: list[tuple[str, Callable[[], Speed | None]]] = []
        for name, peer in self._peers.items():
            measures.append((f"{name} single", lambda peer=peer: peer.single(seconds)))  # type: ignore[misc]
            measures.append((f"{name} callers", lambda peer=peer: peer.callers(seconds)))  # type: ignore[misc]
            measures.append((f"{name} batch", lambda peer=peer: peer.batch(seconds)))  # type: ignore[misc]
        for processes in replica.processes:

            def ours(
                measure: Callable[[float], Speed | None], processes: int = processes
            ) -> Callable[[], Speed | None]:
                def run() -> Speed | None:
                    replica.use(ef, processes)
                    return measure(seconds)

                return run

            who = f"ours {processes}p"
            measures.append((f"{who} single", ours(replica.single)))
            measures.append((f"{who} callers", ours(replica.callers)))
            measures.append((f"{who} hybrid", ours(replica.hybrid)))
            measures.append((f"{who} batch", ours(replica.batch)))
        return measures

    def _ratios(self, rounds: Rounds) -> dict[str, float | None]:
        most = f"ours {self._replica.processes[-1]}p"
        two = "ours 2p"
        return {
            "search_1p_to_hnswlib": _ratio(rounds, "ours 1p callers", "hnswlib single"),
            "search_2p_to_hnswlib": _ratio(rounds, f"{two} callers", "hnswlib single"),
            "batch_to_hnswlib": _ratio(rounds, f"{most} batch", "hnswlib batch"),
            "to_chroma": _ratio(rounds, f"{most} callers", "chroma callers"),
            "to_pgvector": _ratio(rounds, f"{most} callers", "pgvector callers"),
            "to_milvus_lite": _ratio(rounds, f"{most} callers", "milvus-lite callers"),
            "hybrid_to_dense": _ratio(rounds, "ours 1p hybrid", "ours 1p callers"),
            "p50_over_hnswlib_ms": _difference(rounds, "ours 1p single", "hnswlib single"),
        }

    def _filters(self, ef: int) -> tuple[dict[str, Any], float]:
        _say("ours: filters")
        replica = self._replica
        replica.use(ef)
        measures = replica.filtered(self._seconds)
        speeds: dict[str, list[float]] = {label: [] for label in measures}
        for _ in range(self._rounds):
            plain = replica.callers(self._seconds).qps
            for label, (_, measure) in measures.items():
                speeds[label].append(measure().qps / plain)
        found = {
            label: {"recall": recall, "to_unfiltered": round(statistics.median(speeds[label]), 3)}
            for label, (recall, _) in measures.items()
        }
        return found, min(each["to_unfiltered"] for each in found.values())

    def _facts(self, ef: int) -> dict[str, Any]:
        _say("ours: starts, writes, replacement")
        replica = self._replica
        facts: dict[str, Any] = {"start_seconds": round(replica.start_seconds(ef), 2)}
        facts["memory_mb"] = replica.memory_bytes >> 20
        facts["batch_recall"] = replica.recall_in_batches()
        rest, busy = zip(
            *(replica.while_writing(self._seconds * 2) for _ in range(self._rounds)), strict=True
        )
        facts["p99_ms_idle"] = round(statistics.median(each.p99_ms for each in rest), 2)
        facts["p99_ms_writing"] = round(statistics.median(each.p99_ms for each in busy), 2)
        facts["catch_up_points_per_second"] = round(self._built["ours"])
        rate, recall = replica.replace_half()
        facts["replace_points_per_second"] = round(rate)
        facts["recall_after_half_replaced"] = round(recall, 4)
        return facts

    def _rows(self, level: float, rounds: Rounds) -> list[Row]:
        rows = []
        names = [*self._peers, *(f"ours {each}p" for each in self._replica.processes)]
        for name in names:
            tuned = self._tuned["ours" if name.startswith("ours") else name, level]
            shown = self._peers[name].name if name in self._peers else f"**{name[5:-1]} process(es), served**"
            speeds = {
                each: _median(rounds[f"{name} {each}"])
                for each in ("single", "callers", "batch")
                if f"{name} {each}" in rounds
            }
            built = self._built["ours" if name.startswith("ours") else name]
            rows.append(Row(level, shown, tuned, speeds, built))
            if f"{name} hybrid" in rounds:
                hybrid = {"callers": _median(rounds[f"{name} hybrid"])}
                rows.append(Row(level, f"{shown}, hybrid", tuned, hybrid, built))
        return rows


def _median(speeds: list[Speed]) -> Speed:
    return Speed(
        statistics.median(each.qps for each in speeds),
        statistics.median(each.p50_ms for each in speeds),
        statistics.median(each.p99_ms for each in speeds),
        statistics.median(each.cpu for each in speeds),
    )


def _ratio(rounds: Rounds, of: str, to: str) -> float | None:
    if of not in rounds or to not in rounds:
        return None
    pairs = zip(rounds[of], rounds[to], strict=True)
    return round(statistics.median(one.qps / other.qps for one, other in pairs), 3)


def _difference(rounds: Rounds, of: str, to: str) -> float | None:
    if of not in rounds or to not in rounds:
        return None
    pairs = zip(rounds[of], rounds[to], strict=True)
    return round(statistics.median(one.p50_ms - other.p50_ms for one, other in pairs), 3)


def _say(what: str) -> None:
    print(f"# {what}", flush=True)


if __name__ == "__main__":
    main()
