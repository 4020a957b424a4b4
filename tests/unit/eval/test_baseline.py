"""Comparing with a former run, and the command as a whole."""

import json
from pathlib import Path

import pytest

from tests.eval.__main__ import main
from tests.eval.baseline import Asked, Baseline, differences
from tests.eval.figures import LESS, MORE, NEITHER, Figure
from tests.eval.record import Record


def figure(value: float, better: str = MORE, width: float = 0.1) -> Figure:
    """Return a figure with an interval of this width to either side."""
    return Figure(value, value - width, value + width, 100, better)


def test_worse_is_beyond_the_former_interval() -> None:
    """A value may fall to the bound; what should be small may rise to it; lengths are neither."""
    before = {"tea": {"hit": figure(0.5), "ECE": figure(0.5, LESS), "length": figure(0.5, NEITHER)}}

    def changed(name: str, value: float) -> list[bool]:
        now = {"tea": {name: figure(value, before["tea"][name].better)}}
        return [each.worse for each in differences(before, now)]

    assert changed("hit", 0.4) == []
    assert changed("hit", 0.39) == [True]
    assert changed("hit", 0.61) == [False]
    assert changed("ECE", 0.61) == [True]
    assert changed("ECE", 0.39) == [False]
    assert changed("length", 0.9) == []


def test_better_counts_only_beyond_both_intervals() -> None:
    """A figure that is surer than before may leave the old interval without the old one leaving its own."""
    before = {"tea": {"hit": figure(0.5)}}
    assert differences(before, {"tea": {"hit": figure(0.65, width=0.2)}}) == []
    assert [each.name for each in differences(before, {"tea": {"hit": figure(0.75, width=0.2)}})] == ["hit"]
    assert differences(before, {"pot": {"hit": figure(0.1)}}) == []


def test_a_baseline_survives_its_file(tmp_path: Path) -> None:
    """What was written is read back, to four places."""
    baseline = Baseline(Asked("test", 20), {"tea": {"hit": Figure(0.51239, 0.5, 0.6, 10, MORE)}})
    path = tmp_path / "baseline.json"
    baseline.write(path)
    read = Baseline.read(path)
    assert read.asked == baseline.asked
    assert read.figures["tea"]["hit"] == Figure(0.5124, 0.5, 0.6, 10, MORE)


def test_a_run_that_is_worse_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures of a former run's file are shown, made the baseline, and compared with it."""
    good = _results(tmp_path / "good.json", right=True)
    bad = _results(tmp_path / "bad.json", right=False)
    baseline = tmp_path / "baseline.json"
    options = ["--baseline", str(baseline), "--results"]
    assert main([*options, good]) == 0
    assert "No baseline" in capsys.readouterr().out
    assert main([*options, good, "--write-baseline"]) == 0
    assert main([*options, good]) == 0
    assert ", 0 worse" in capsys.readouterr().out
    assert main([*options, bad]) == 1
    assert "WORSE  tea: right: 1.000 → 0.000" in capsys.readouterr().out
    # The other part of the questions is not what the baseline is about.
    assert main([*options, bad, "--part", "tune"]) == 0
    said = capsys.readouterr().out
    assert "Not compared" in said
    assert "| tea | 10 | 0.000 |" in said


def test_a_folder_without_sets_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is started for it; an unknown set's name is refused in the same way."""
    assert main(["--data", str(tmp_path)]) == 2
    assert "neither a set nor a folder of sets" in capsys.readouterr().err


def _results(path: Path, *, right: bool) -> str:
    records = [
        Record(str(number), "tea", "", ("tune", "test")[number % 2], answerable=True, score=0.5, right=right)
        for number in range(20)
    ]
    value = {"asked": {"part": "all", "most": 0}, "records": [each.as_json() for each in records]}
    path.write_text(json.dumps(value))
    return str(path)
