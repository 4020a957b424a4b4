"""
How well a real help site is answered: `python -m tests.e2e.helpdocs --data FOLDER`.

FOLDER has `raw/PRODUCT/` (Markdown), `queries.jsonl` and `qrels.tsv`. The pages of one product are pushed
into a system of its own. Its questions are asked over REST, and those of another product, which it cannot
answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.system import System, Workspace, running_system

WANTED_IN_SOURCES = 0.75
WANTED_UNANSWERED = 0.5


@dataclass(frozen=True)
class Question:
    """A question, its product and the external ids of the pages that answer it."""

    text: str
    product: str
    gold: frozenset[str]


@dataclass(frozen=True)
class Reply:
    """What came back: whether it was answered, from which pages, after how many milliseconds."""

    answered: bool
    sources: tuple[str, ...]
    milliseconds: float


def read_questions(folder: Path) -> list[Question]:
    """All questions, with their gold pages as the paths that `kb push` uses as external ids."""
    gold: dict[str, set[str]] = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query_id, page_id, score = line.split("\t")
        if int(score) > 0:
            gold.setdefault(query_id, set()).add(page_id)
    questions = []
    for line in (folder / "queries.jsonl").read_text().splitlines():
        query = json.loads(line)
        pages = gold.get(query["_id"], set())
        product = query["_id"].split("/")[0]
        paths = frozenset(page.removeprefix(f"{product}/") for page in pages)
        questions.append(Question(query["text"], product, paths))
    return questions


def ask(workspace: Workspace, names: dict[str, str], question: Question) -> Reply:
    """Asks one question; `names` maps document ids to paths without their ending."""
    began = time.perf_counter()
    answer = workspace.http.post("/v1/query", json={"message": question.text, "store": False})
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    sources = tuple(names[source["document_id"]] for source in body["sources"])
    return Reply(body["answered"], sources, (time.perf_counter() - began) * 1000)


def push(system: System, workspace: Workspace, folder: Path) -> tuple[str, str, float]:
    """Pushes a folder twice; returns what both pushes said and the seconds of the first."""
    began = time.perf_counter()
    first = system.cli("kb", "push", str(folder), key=workspace.key, timeout=900).stdout.strip()
    seconds = time.perf_counter() - began
    return first, system.cli("kb", "push", str(folder), key=workspace.key).stdout.strip(), seconds


def pages_of(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """All documents by id."""
    found: dict[str, dict[str, Any]] = {}
    token = ""
    while True:
        params: dict[str, Any] = {"page_size": 200, **({"page_token": token} if token else {})}
        page = workspace.http.get("/v1/knowledge/documents", params=params).json()
        found |= {each["id"]: each for each in page["items"]}
        token = page["next_page_token"]
        if not token:
            return found


def share(values: Sequence[bool]) -> float:
    """The share of true values."""
    return sum(values) / len(values) if values else 0.0


def main() -> int:
    """Runs it; returns 0 when the wanted shares are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--product", default="duckduckgo")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    questions = read_questions(arguments.data)
    own = [each for each in questions if each.product == arguments.product]
    others = [each for each in questions if each.product != arguments.product]

    with (
        tempfile.TemporaryDirectory() as folder,
        running_system(Path(folder) / "data", "--no-demo") as system,
    ):
        workspace = system.workspace("helpdocs")
        first, second, seconds = push(system, workspace, arguments.data / "raw" / arguments.product)
        pages = pages_of(workspace)
        names = {key: each["external_id"].rsplit(".", 1)[0] for key, each in pages.items()}
        with ThreadPoolExecutor(arguments.threads) as threads:
            replies = list(threads.map(lambda each: ask(workspace, names, each), own))
            strange = list(threads.map(lambda each: ask(workspace, names, each), others))

    indexed = sum(each["status"] == "indexed" for each in pages.values())
    empty = sum(each["chunks"] == 0 for each in pages.values())
    hits = [bool(each.gold & set(reply.sources)) for each, reply in zip(own, replies, strict=True)]
    firsts = [bool(each.gold & set(reply.sources[:1])) for each, reply in zip(own, replies, strict=True)]
    unanswered = share([not reply.answered for reply in strange])
    times = sorted(reply.milliseconds for reply in replies)
    rows = [
        ("first push", f"{first} in {seconds:.0f} s"),
        ("second push", second),
        ("documents", f"{len(pages)}, indexed {indexed}, without text {empty}"),
        (f"questions of {arguments.product}", f"{len(own)}"),
        ("  gold page among the sources", f"{share(hits):.1%}"),
        ("  gold page first", f"{share(firsts):.1%}"),
        ("  answered", f"{share([reply.answered for reply in replies]):.1%}"),
        ("  milliseconds p50, p95", f"{times[len(times) // 2]:.0f}, {times[int(len(times) * 0.95)]:.0f}"),
        ("questions of other products", f"{len(others)}"),
        ("  unanswered", f"{unanswered:.1%}"),
    ]
    for name, value in rows:
        print(f"{name:<32} {value}")
    good = share(hits) >= WANTED_IN_SOURCES and unanswered > WANTED_UNANSWERED and indexed == len(pages)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
