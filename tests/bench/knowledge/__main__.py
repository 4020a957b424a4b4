"""
`make bench PART=knowledge`: what the promises about knowledge bases cost, measured on the whole system.

Five parts, one after the other, in the system as `make run` starts it (SQLite, one indexer of one thread that
gives way): documents to searchable beside the bare embedding model on texts of the same documents; searches
while others are indexed; one document beside another workspace's thousands; changes and deletions until
searches see them; a re-index with another model, and the way back, under questions.

Prints Markdown on standard output, a line per step on standard error, keeps all figures in
`build/bench/knowledge.json`, and draws the throughput where the services' README shows it if there is more
than one size. Settings, as options of `python -m tests.bench.knowledge` or in the environment: `BENCH_CHUNKS`
(1000,4000,16000) are the sizes, `BENCH_BUSY_CHUNKS` (4000) what is indexed beside searches, `BENCH_SECONDS`
(30) how long idle searches are measured each time, `BENCH_PUSH` (5000) documents of the push, `BENCH_TIMES`
(25) documents that are changed, `BENCH_PARTS` the parts.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from deploy.local.installation import REPOSITORY
from services.embedding.bundled.embedder import BundledEmbedder
from services.knowledge.settings import IndexerSettings
from services.runtime.logs import configure
from tests.bench.data import FOLDER, ROOT
from tests.bench.knowledge import effect, fairness, reindexing, table, throughput
from tests.bench.knowledge.asking import Answer, Latency, asked, searches
from tests.bench.knowledge.bare import BareModel
from tests.bench.knowledge.figure import figure
from tests.bench.knowledge.installation import Base
from tests.bench.knowledge.pages import Pages
from tests.bench.knowledge.replicas import TwoReplicas
from tests.bench.report import Report
from tests.bench.table import machine
from tests.e2e.indexer_log import IndexerLog
from tests.e2e.system import System, client, running_system
from tests.fakes.embedding_server import EmbeddingServer

MODEL = REPOSITORY / "build" / "models" / "all-minilm-l6-v2-int8"
PARTS = ("throughput", "searching", "fairness", "effect", "reindexing")
_FIGURE = ROOT / "services" / "knowledge" / "throughput.svg"
# What an indexer's model gets: `EMBEDDING_THREADS` of `make run`.
_THREADS = "1"
_FILLED_BEFORE = 1000
_WARM = 20
_OTHER_DIMENSIONS = 256


class Measurements:
    """What the parts share, and what they found."""

    def __init__(self, settings: argparse.Namespace, report: Report, folder: Path) -> None:
        self._settings = settings
        self._report = report
        self._folder = folder
        self._pages = Pages(BundledEmbedder(MODEL, threads=1))
        self._lines: list[str] = []

    @property
    def markdown(self) -> str:
        """All that was found."""
        return "\n".join(self._lines)

    def run(self) -> None:
        """Measure all parts that are wanted."""
        with running_system(self._folder, "--no-demo", settings={"EMBEDDING_THREADS": _THREADS}) as system:
            self._part("throughput", lambda: self._throughput(system))
            if set(self._settings.parts) <= {"throughput"}:
                return
            busy = self._filled(system)
            self._part("searching", lambda: self._searching(busy))
            self._part("fairness", lambda: self._fairness(system))
            self._part("effect", lambda: self._effect(system, busy))
        with EmbeddingServer("another-model", _OTHER_DIMENSIONS) as server:
            models = {
                **server.settings(),
                "PREVIOUS_EMBEDDING_MODEL_DIR": str(MODEL),
                "PREVIOUS_EMBEDDING_THREADS": _THREADS,
            }
            with running_system(self._folder, "--no-demo", settings=models) as system:
                again = _again(busy, system)
                self._part("reindexing", lambda: self._reindexing(system, again))

    def _throughput(self, system: System) -> None:
        sizes = [int(each) for each in self._settings.chunks.split(",")]
        base = Base(system, "throughput")
        environment = {"EMBEDDING_MODEL_DIR": str(MODEL), "EMBEDDING_THREADS": _THREADS}
        with BareModel(IndexerSettings.niceness, environment) as bare:
            rounds = throughput.rounds(base, self._pages, bare, max(sizes), self._report.say)
        self._report.put("rounds", value=[asdict(each) for each in rounds])
        found = throughput.sizes(rounds, sizes)
        self._report.put("sizes", value=[{**asdict(each), "ratio": each.ratio} for each in found])
        if len(found) > 1:
            self._settings.figure.write_text(figure(found), encoding="utf-8")
        self._say(table.throughput(found))

    def _filled(self, system: System) -> Base:
        base = Base(system, "searched")
        base.push([each.body for each in self._pages.of("before", _FILLED_BEFORE)])
        base.wait_searchable()
        return base

    def _searching(self, base: Base) -> None:
        """Idle searches stand before and after: what they take grows with what there is to search."""
        ask = searches(base.http, self._pages.questions(200))
        before = self._idle(ask)
        made = self._pages.of("busy", self._settings.busy_chunks)
        with asked(ask) as busy:
            base.push([each.body for each in made])
            base.wait_searchable()
        latencies = Latency.of(before, self._idle(ask)), Latency.of(busy)
        self._report.put("searching", value=[asdict(each) for each in latencies])
        self._say(table.searching(*latencies, sum(each.chunks for each in made)))

    def _fairness(self, system: System) -> None:
        crowd, single = Base(system, "crowd"), Base(system, "single")
        found = fairness.measure(IndexerLog(system), crowd, single, self._pages, self._settings.push)
        self._report.put("fairness", value=asdict(found))
        self._say(table.fairness(found))

    def _effect(self, system: System, base: Base) -> None:
        found = effect.measure(IndexerLog(system), base, self._pages, self._settings.times)
        self._report.put("effect", value=asdict(found))
        self._say(table.effect(found))

    def _reindexing(self, system: System, base: Base) -> None:
        questions = self._pages.questions(reindexing.QUESTIONS)
        idle = Latency.of(self._idle(searches(base.http, questions, exact=True)))
        second = self._folder.parent / "knowledge-second" / "data"
        shutil.rmtree(second.parent, ignore_errors=True)
        with TwoReplicas(system, second, base.workspace.id, questions) as replicas:
            found = [reindexing.measure(base, replicas, questions, kind) for kind in ("reindex", "rollback")]
        self._report.put("reindexing", value=[asdict(each) for each in found])
        self._say(table.reindexing(idle, found))

    def _idle(self, ask: Callable[[int], tuple[int, bytes]]) -> list[Answer]:
        for number in range(_WARM):
            ask(number)
        with asked(ask) as answers:
            time.sleep(self._settings.seconds)
        return answers

    def _part(self, name: str, run: Callable[[], None]) -> None:
        if name in self._settings.parts:
            self._report.step(name, run)

    def _say(self, lines: Iterator[str]) -> None:
        self._lines += [*lines, ""]


def main() -> None:
    """Measure, print, write."""
    settings = _settings()
    configure("bench", "error")
    report = Report(FOLDER / "knowledge.json")
    report.put("machine", value=machine())
    report.put("settings", value={name: str(value) for name, value in vars(settings).items()})
    folder = FOLDER / "knowledge"
    shutil.rmtree(folder, ignore_errors=True)
    measurements = Measurements(settings, report, folder)
    try:
        measurements.run()
    finally:
        report.put("minutes", value=round(report.minutes, 1))
        print(measurements.markdown)
    sys.exit(1 if report.content["failed"] else 0)


def _again(base: Base, system: System) -> Base:
    """The same workspace after a restart of the system, whose gateway has another port."""
    base.http = client(system.url, base.workspace.key)
    return base


def _settings() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.knowledge", description=__doc__)
    parser.add_argument("--chunks", default=os.environ.get("BENCH_CHUNKS", "1000,4000,16000"))
    parser.add_argument("--busy-chunks", type=int, default=int(os.environ.get("BENCH_BUSY_CHUNKS", "4000")))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("BENCH_SECONDS", "30")))
    parser.add_argument("--push", type=int, default=int(os.environ.get("BENCH_PUSH", "5000")))
    parser.add_argument("--times", type=int, default=int(os.environ.get("BENCH_TIMES", "25")))
    parser.add_argument(
        "--parts", type=lambda given: given.split(","), default=os.environ.get("BENCH_PARTS", ",".join(PARTS))
    )
    parser.add_argument("--figure", type=Path, default=_FIGURE)
    return parser.parse_args()


if __name__ == "__main__":
    main()
