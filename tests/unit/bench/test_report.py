"""What the benchmark leaves behind, also where parts of it fail."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.bench.drawing import Size, drawing
from tests.bench.engine import Speed
from tests.bench.ratios import p50_over, ratios
from tests.bench.report import Report
from tests.bench.table import markdown


def a_speed(qps: float, p50_ms: float = 1.0) -> Speed:
    """Return a speed that is told apart by its rate."""
    return Speed(qps, p50_ms, p50_ms * 2)


def as_tree(qps: float) -> dict[str, float]:
    """Return a speed as the report keeps it."""
    return {"qps": qps, "p50_ms": 1.0, "p99_ms": 2.0, "cpu": 0.1}


def test_a_failing_step_costs_nothing_but_itself(tmp_path: Path) -> None:
    """What came before and after is in the file; the failure is named."""
    report = Report(tmp_path / "vector.json")

    def fail() -> None:
        raise RuntimeError("broken")

    report.put("facts", "before", value=1)
    assert not report.step("the middle", fail)
    assert report.step("the end", lambda: report.put("facts", "after", value=2))
    kept = json.loads((tmp_path / "vector.json").read_text())
    assert kept["facts"] == {"before": 1, "after": 2}
    assert "broken" in kept["failed"]["the middle"]


def test_every_step_is_told_as_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress goes to standard error: standard output is the table's."""
    Report(tmp_path / "vector.json").step("the first", lambda: None)
    told = capsys.readouterr()
    assert "the first" in told.err
    assert not told.out


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """Rounds are compared one by one; one in which either failed does not count."""
    rounds: dict[str, list[Speed | None]] = {
        "ours 1p callers": [a_speed(50), a_speed(90), None, a_speed(30)],
        "hnswlib single": [a_speed(100), a_speed(100), a_speed(1), a_speed(10)],
    }
    found = ratios(rounds)
    assert found["search_1p_to_hnswlib"] == 0.9
    assert found["to_chroma"] is None


def test_latencies_are_compared_by_their_difference() -> None:
    """The median of the rounds' differences."""
    rounds = {"a": [a_speed(1, 2.0), a_speed(1, 1.5)], "b": [a_speed(1, 1.0), a_speed(1, 1.0)]}
    assert p50_over(rounds, "a", "b") == 0.75
    assert p50_over(rounds, "a", "c") is None


def test_the_table_names_who_is_missing() -> None:
    """A peer that failed has a row with its reason; one that failed later keeps its figures, too."""
    tuned = {"ef": 32, "recall": 0.951}
    report: dict[str, Any] = {
        "points": 1000,
        "machine": "a machine",
        "text": "0",
        "rounds": 2,
        "seconds": 3.0,
        "engines": {
            "hnswlib": {"shown": "hnswlib (in process)", "0.95": tuned, "build_points_per_second": 7},
            "ours 1p": {"shown": "ours", "0.95": {"ef": 10, "recall": 0.9}},
            "ceiling 1p": {"shown": "at once"},
        },
        "speeds": {
            "0.95": {
                "hnswlib single": [as_tree(10), as_tree(20)],
                "ours 1p hybrid": [as_tree(5), None],
                "ours 1p callers": [as_tree(8), as_tree(8)],
                "ceiling 1p callers": [as_tree(9), as_tree(9)],
            }
        },
        "missing": {"chroma": "no wheel\nfor this | Python"},
        "failed": {"ours: memory": "RuntimeError()"},
        "ratios": {"to_chroma": None, "hybrid_to_dense": 0.625, "filtered_to_unfiltered": 0.8},
    }
    lines = markdown(report).splitlines()
    rows = {
        line.split("|")[2].strip(): line
        for line in lines
        if line.startswith("| 0.95") or "not there:" in line
    }
    assert "| 15 |" in rows["hnswlib (in process)"]
    assert "0.900 (not reached)" in rows["ours"]
    assert "| 5 |" in rows["ours, by meaning and words"]
    assert "| 9 |" in rows["at once"]
    assert "no wheel for this / Python" in rows["chroma"]
    assert "RuntimeError()" in rows["ours: memory"]
    assert len({line.count("|") for line in rows.values()}) == 1
    assert any(line.startswith("| hybrid_to_dense |") and "0.625" in line for line in lines)
    assert any(line.startswith("| to_chroma |") and "not there" in line for line in lines)


def test_the_drawing_holds_both_curves_and_what_is_promised() -> None:
    """An SVG with a curve and a broken line per panel, all inside the picture."""
    sizes = [
        Size(points, 20, 0.95, p50, p50 * 2, memory, memory // 2, points * 1712, 2000, 1500, 1.0)
        for points, p50, memory in (
            (10_000, 0.6, 120 << 20),
            (100_000, 0.9, 320 << 20),
            (10**6, 1.4, 2 << 30),
        )
    ]
    root = ElementTree.fromstring(drawing(sizes))
    name = "{http://www.w3.org/2000/svg}"
    lines = root.findall(f"{name}polyline")
    assert [line.get("stroke-dasharray") is not None for line in lines] == [False, True, False, True]
    assert all(len(line.attrib["points"].split()) == 3 for line in lines)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for line in lines:
        for place in line.attrib["points"].split():
            x, y = map(float, place.split(","))
            assert 0 < x < width
            assert 0 < y < height
    texts = "".join("".join(text.itertext()) for text in root.findall(f"{name}text"))
    assert "1.40 ms" in texts
    assert "2.15 GB" in texts
    assert "1,000,000" in texts
