"""Writes sets for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Line = Mapping[str, Any]


def write_set(
    folder: Path, pages: Sequence[Line], queries: Sequence[Line], qrels: Sequence[tuple[str, str, object]]
) -> Path:
    """Write a set's three files below a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("corpus.jsonl", pages), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(each) + "\n" for each in lines))
    rows = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, each)) for each in qrels)]
    (folder / "qrels.tsv").write_text("\n".join(rows) + "\n")
    return folder
