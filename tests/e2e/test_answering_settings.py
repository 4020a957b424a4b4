"""`supportagent answering`: how a workspace's questions are answered."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.asking import ask, configure, thresholds
from tests.e2e.corpus import SAMPLE
from tests.e2e.system import System, Workspace, until

SETTINGS = ("answer-characters", "min-confidence", "wanted-precision", "medium-from", "high-from")
TEAM = "What does the Team plan cost per month?"

# Two seconds are promised; the machine may be busy with other tests.
PATIENCE = 5.0


@pytest.fixture(scope="module")
def tunable(system: System) -> Workspace:
    """A workspace with the sample pages about billing, for `tuned`."""
    workspace = system.workspace("tuned")
    system.cli("kb", "push", str(SAMPLE / "billing"), key=workspace.key)
    return workspace


@pytest.fixture
def tuned(system: System, tunable: Workspace) -> Iterator[Workspace]:
    """A workspace whose settings a test changes; they are the defaults again afterwards."""
    before = thresholds(tunable)
    yield tunable
    configure(system, tunable, *(f"--default={name}" for name in SETTINGS))
    until(lambda: thresholds(tunable) == before, "the defaults to be back", seconds=PATIENCE)


def test_a_bound_is_set_for_one_workspace(system: System, coldwren: Workspace, tuned: Workspace) -> None:
    """Its answers are withheld and leveled by it; another's stay as they were."""
    before = thresholds(coldwren)
    assert thresholds(tuned) == before
    configure(system, tuned, "--min-confidence", "1", "--medium-from", "0.98", "--high-from", "0.99")
    until(lambda: thresholds(tuned)["min_confidence"] == 1, "the bound to hold", seconds=PATIENCE)
    told = ask(tuned, TEAM)
    assert (told["answered"], told["confidence"]["level"]) == (False, "low")
    assert ask(tuned, TEAM, min_confidence=0)["answered"] is True
    assert thresholds(coldwren) == before


def test_the_length_of_answers_is_set(system: System, coldwren: Workspace, tuned: Workspace) -> None:
    """No extract of the workspace is longer than it wants."""

    def quoted(workspace: Workspace) -> int:
        told = ask(workspace, "Can I have the price of a yearly plan back?", min_confidence=0)
        return sum(each["end"] - each["start"] for each in told["citations"])

    long = quoted(coldwren)
    assert long > 150
    configure(system, tuned, "--answer-characters", "100")
    until(lambda: 0 < quoted(tuned) <= 100, "the length to hold", seconds=PATIENCE)
    assert quoted(coldwren) == long


def test_a_precision_becomes_a_bound(system: System, tuned: Workspace) -> None:
    """The bound at which that share of the measured answers was right, the more the higher."""
    bounds = []
    for wanted in ("0.5", "0.8"):
        configure(system, tuned, "--wanted-precision", wanted)
        shown = system.cli("answering", "show", "--workspace", tuned.name, "--json")
        bounds.append(json.loads(shown.stdout)["thresholds"]["min_confidence"])
        until(
            lambda: thresholds(tuned)["min_confidence"] == bounds[-1], "the bound to hold", seconds=PATIENCE
        )
    assert 0 < bounds[0] < bounds[1] < 1
    curve = tuned.http.get("/v1/query/calibration").json()["risk_coverage"]
    above = [each for each in curve if each["min_confidence"] >= bounds[1]]
    assert above[-1]["risk"] == pytest.approx(0.2, abs=0.05)


def test_the_twin_has_its_own(system: System, tuned: Workspace) -> None:
    """What is set for the test twin leaves the live workspace alone."""
    before = thresholds(tuned)
    configure(system, tuned, "--environment", "test", "--min-confidence", "1")
    shown = system.cli("answering", "show", "--workspace", tuned.name, "--environment", "test", "--json")
    assert json.loads(shown.stdout)["min_confidence"] == 1
    live = system.cli("answering", "show", "--workspace", tuned.name, "--json")
    assert json.loads(live.stdout)["thresholds"] == before


def test_what_is_wrong_is_told(system: System, tuned: Workspace) -> None:
    """All of it, and nothing is set."""
    options = ("--answer-characters", "1", "--min-confidence", "2", "--llm-base-url", "ftp://x")
    done = system.cli("answering", "set", "--workspace", tuned.name, *options, check=False)
    assert done.returncode == 1
    for pointer in (
        "answer_characters",
        "min_confidence",
        "language_model/base_url",
        "language_model/model",
    ):
        assert pointer in done.stderr
    shown = json.loads(system.cli("answering", "show", "--workspace", tuned.name, "--json").stdout)
    assert "language_model" not in shown
    assert shown["answer_characters"] == 400
