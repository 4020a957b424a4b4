"""
`python -m tests.eval --data FOLDER`: how well the real system finds, answers and keeps silent.

FOLDER is a set (`tests/eval/dataset.py` says what that is) or a folder of sets. The system is started in a
temporary folder, with the settings of the services taken from the environment, such as EMBEDDING_THREADS.
The figures are compared with the baseline's; the exit status is 1 when one is worse than its interval there
allows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.client.errors import ClientError
from services.kernel.errors import DomainError
from tests.e2e.system import running_system
from tests.eval import report
from tests.eval.baseline import COMMITTED, Asked, Baseline, differences, figures_as_json, shared
from tests.eval.cases import ALL, TEST, TUNE
from tests.eval.dataset import DataSet, NotASet, read
from tests.eval.figures import Figures, figures_of
from tests.eval.record import Record
from tests.eval.run import Evaluation, run
from tests.eval.stack import SystemFailed

RESULTS = Path("build/eval")


def main(options: Sequence[str] | None = None) -> int:
    """Run it with these options, else the command line's; return the exit status."""
    arguments = _arguments(options)
    asked = Asked(arguments.part, arguments.most)
    try:
        if arguments.results:
            evaluation, asked = _former(arguments.results, asked.part)
        else:
            evaluation = _evaluation(_sets(arguments.data, arguments.sets), asked)
    except (NotASet, SystemFailed, ClientError, DomainError) as error:
        print(error, file=sys.stderr)
        return 2
    figures = figures_of(evaluation.records)
    if not arguments.results:
        path = RESULTS / f"{arguments.name or f'{arguments.data.resolve().name}-{asked.part}'}.json"
        _write(path, asked, evaluation, figures)
        print(f"\nWritten: {path}")
    most = f", at most {asked.most} questions of a set" if asked.most else ""
    print(f"\nPart: {asked.part}{most}. In brackets: bootstrap intervals, 95 %.\n")
    print(report.text(figures, evaluation.loadings, evaluation.costs))
    present = Baseline(asked, figures)
    if arguments.write_baseline:
        present.write(arguments.baseline)
        return 0
    return _compare(arguments.baseline, present)


def _arguments(options: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="a set or a folder of sets")
    source.add_argument("--results", type=Path, help="figures of a former run's file; nothing is asked")
    parser.add_argument("--sets", default="", help="only these, separated by commas")
    parser.add_argument("--part", choices=(ALL, TUNE, TEST), default=ALL, help="which questions")
    parser.add_argument("--most", type=int, default=0, help="at most so many questions of each set")
    parser.add_argument("--name", default="", help="of the results below build/eval")
    parser.add_argument("--baseline", type=Path, default=COMMITTED, help="what to compare with")
    parser.add_argument("--write-baseline", action="store_true", help="write it instead")
    return parser.parse_args(options)


def _sets(folder: Path, names: str) -> list[DataSet]:
    sets, skipped = read(folder)
    for line in skipped:
        print(line)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = set(wanted) - {each.name for each in sets}
    if unknown:
        raise NotASet(f"{folder}: no set {', '.join(sorted(unknown))}")
    return [each for each in sets if not wanted or each.name in wanted]


def _evaluation(sets: Sequence[DataSet], asked: Asked) -> Evaluation:
    # For loading: a question is one text, whose embedding takes one thread whatever is allowed.
    os.environ.setdefault("EMBEDDING_THREADS", "2")
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        with running_system(Path(folder) / "data", "--no-demo") as system:
            evaluation = run(system, sets, say, part=asked.part, most=asked.most)
        say("done")
    return evaluation


def _former(path: Path, part: str) -> tuple[Evaluation, Asked]:
    """Return the questions of a part from what a former run has written."""
    value = json.loads(path.read_text())
    former = Asked(**value["asked"])
    records = [Record.from_json(each) for each in value["records"]]
    kept = [each for each in records if part in (ALL, each.part)]
    return Evaluation(kept), Asked(former.part if part == ALL else part, former.most)


def _write(path: Path, asked: Asked, evaluation: Evaluation, figures: dict[str, Figures]) -> None:
    value: dict[str, Any] = {
        "asked": asdict(asked),
        "figures": figures_as_json(figures),
        "loadings": {name: asdict(each) for name, each in evaluation.loadings.items()},
        "costs": {name: asdict(each) for name, each in evaluation.costs.items()},
        "records": [each.as_json() for each in evaluation.records],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _compare(path: Path, present: Baseline) -> int:
    if not path.exists():
        print(f"\nNo baseline {path}; --write-baseline makes it.")
        return 0
    former = Baseline.read(path)
    if former.asked != present.asked:
        print(f"\nNot compared: the baseline is of {former.asked}, not of {present.asked}.")
        return 0
    found = differences(former.figures, present.figures)
    print("\n" + report.compared(found, len(list(shared(former.figures, present.figures)))))
    return 1 if any(each.worse for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
