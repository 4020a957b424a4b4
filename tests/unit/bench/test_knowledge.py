"""What the knowledge benchmark makes of its measurements."""

import json
import xml.etree.ElementTree as ET

import pytest

from tests.bench.knowledge import table
from tests.bench.knowledge.asking import Answer, Latency
from tests.bench.knowledge.figure import figure
from tests.bench.knowledge.reindexing import judged
from tests.bench.knowledge.replicas import Seen, Together, together
from tests.bench.knowledge.throughput import Round, Size, sizes

NOBODY = Together(0, 0, 0, 0)


def an_answer(question: int, begun: float, *results: str, status: int = 200, took: float = 0.01) -> Answer:
    """Return an answer that was due when it was begun."""
    body = json.dumps({"results": results}).encode()
    return Answer(question, begun, begun, begun + took, status, body)


def test_a_size_is_all_rounds_up_to_it() -> None:
    """A size's rates are those of its rounds together; one that was not reached is left out."""
    rounds = [Round(1000, 40.0, 250, 5.0), Round(1000, 60.0, 250, 15.0)]
    found = sizes(rounds, [1000, 2000, 3000])
    assert [(each.chunks, each.rate, each.bare_rate) for each in found] == [
        (1000, 25.0, 50.0),
        (2000, 20.0, 25.0),
    ]
    assert [each.ratio for each in found] == [0.5, 0.8]


def test_waiting_counts() -> None:
    """Latency counts from when a question was due, gaps are those between good answers of one run."""
    late = Answer(0, due=1.0, begun=1.4, ended=1.5, status=200, body=b"")
    runs = [an_answer(0, 0.0, took=0.1), late], [an_answer(0, 100.0), an_answer(0, 100.2, status=503)]
    found = Latency.of(*runs)
    assert (found.answers, found.failed) == (4, 1)
    assert found.p99_ms == pytest.approx(500)
    assert found.longest_gap_ms == pytest.approx(1400)


def test_answers_of_neither_generation_are_told_apart() -> None:
    """An answer that is neither the old nor the new one is mixed; an old one after a new one is late."""
    before: dict[int, object] = {0: ["a"], 1: ["b"]}
    after: dict[int, object] = {0: ["c"], 1: ["d"]}
    answers = [
        an_answer(0, 1.0, "a"),
        an_answer(1, 2.0, "d"),
        an_answer(0, 3.0, "a"),
        an_answer(0, 4.0, "a", "c"),
        an_answer(3, 5.0, "d"),
        an_answer(0, 6.0, status=503),
    ]
    found = judged("reindex", answers, before, after, NOBODY)
    assert (found.old, found.new, found.mixed, found.late, found.latency.failed) == (2, 2, 1, 1, 1)


def test_answers_must_tell_generations_apart() -> None:
    """A question that both generations answer alike proves nothing."""
    with pytest.raises(RuntimeError, match="1 questions"):
        judged("reindex", [an_answer(0, 1.0, "a")], {0: ["a"]}, {0: ["a"]}, NOBODY)


def test_replicas_go_over_as_one() -> None:
    """An old answer that began after a new one had ended is late; one that was under way is not."""
    seen = [Seen(1.0, 1.1, 2), Seen(1.15, 1.3, 2), Seen(1.1, 1.2, 3), Seen(1.25, 1.3, 2), Seen(2.0, 2.1, 7)]
    assert together(seen, 1, before=2, after=3) == Together(answers=6, failed=1, late=1, other=1)
    assert together(seen[:3], 0, before=3, after=2).late == 0


def test_tables_show_what_was_wanted() -> None:
    """Goals stand beside what was reached."""
    found = [Size(1000, 20.0, 25.0), Size(4000, 18.0, 24.0)]
    assert "| 4,000 | 18.0 | 24.0 | 0.75 |" in list(table.throughput(found))
    idle, busy = Latency(100, 0, 5.0, 10.0, 110.0), Latency(900, 1, 6.0, 25.0, 140.0)
    assert "p99 to idle: 2.50 (goal: ≤ 3)." in list(table.searching(idle, busy, 4003))


def test_the_figure_is_svg() -> None:
    """The figure can be read, and shows each size."""
    drawn = figure([Size(1000, 20.0, 25.0), Size(4000, 18.0, 24.0)])
    named = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    texts = {(each.text or "").strip() for each in named}
    assert {"1,000", "4,000", "0.75", "0.80", "at least 0.8"} <= texts
