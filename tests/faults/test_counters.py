"""The shared counters go away, hang or forget everything while requests run."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from deploy.local.data_directory import DataDirectory
from deploy.local.valkey import valkey_url
from tests.e2e.system import System, Workspace, assert_problem, client, until
from tests.faults.clients import Asker

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
QUESTION = "When are the lanterns at the harbour lit?"
USAGE = "/v1/usage"


def test_questions_go_on_without_the_counters(system: System) -> None:
    """Killed counters cost no request; afterwards what was answered is what is counted, to the last one."""
    workspace = system.workspace("counters-killed", plan="enterprise")
    with asking(workspace) as askers:
        time.sleep(0.7)
        starts = system.kill("valkey")
        system.wait_restarted("valkey", starts)
        time.sleep(1.5)
    answered = sum(len(asker.answered) for asker in askers)
    assert _statuses(askers) == {200: answered}
    until(lambda: _used(workspace) == answered, "the ledger to be level", seconds=5)
    _assert_quota_is_exact(system, workspace, answered)


def test_questions_go_on_while_the_counters_hang(system: System) -> None:
    """Hanging counters cost no request and show in `/readyz`, which stays good."""
    workspace = system.workspace("counters-hang", plan="enterprise")
    with asking(workspace) as askers:
        time.sleep(0.5)
        with hanging_counters(system):
            until(lambda: _limits_state(system) == "degraded", "the hanging counters to show", seconds=15)
            time.sleep(1)
        until(lambda: _limits_state(system) == "ready", "the counters to be well again", seconds=15)
    answered = sum(len(asker.answered) for asker in askers)
    assert _statuses(askers) == {200: answered}
    until(lambda: _used(workspace) == answered, "the ledger to be level", seconds=5)
    _assert_quota_is_exact(system, workspace, answered)


def test_keys_are_checked_without_the_counters(system: System) -> None:
    """Known and unknown keys, revocation and scopes do not depend on the counters."""
    workspace = system.workspace("counters-keys", "query")
    revoked = system.key_for("counters-keys", "query")
    with hanging_counters(system):
        assert workspace.http.get(USAGE).status_code == 200
        assert_problem(workspace.http.get("/v1/conversations"), 403, "SCOPE_MISSING")
        assert_problem(client(system.url, "sk_live_" + 44 * "A").get(USAGE), 401, "UNAUTHENTICATED")
        assert revoked.http.get(USAGE).status_code == 200
        system.cli("keys", "revoke", revoked.key_id)
        until(lambda: revoked.http.get(USAGE).status_code == 401, "the revoked key's end", seconds=5)


def test_check_starts_without_the_counters(system: System) -> None:
    """A check that starts while the counters hang is ready and limits by itself."""
    workspace = system.workspace("counters-start", requests_per_minute=5)
    with hanging_counters(system):
        system.wait_restarted("access", system.kill("access"))
        until(lambda: client(system.url).get("/readyz").status_code == 200, "the check to be found again")
        until(lambda: _limits_state(system) == "degraded", "the hanging counters to show", seconds=15)
        statuses = [workspace.http.get(USAGE).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    until(lambda: _limits_state(system) == "ready", "the counters to be well again", seconds=15)


def test_limits_are_there_without_the_counters(system: System) -> None:
    """Without the counters the limits are the process's own: as many as the limit pass, the next does not."""
    workspace = system.workspace("counters-limits", requests_per_minute=5)
    with hanging_counters(system):
        answers = [workspace.http.get(USAGE) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[-1].headers["ratelimit-policy"] == '"workspace";q=5;w=60'
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_quotas_stay_open_without_the_counters(system: System) -> None:
    """A question more than the quota is answered while nobody counts, and none once somebody does."""
    workspace = system.workspace("counters-quota", queries=2)
    for _ in range(2):
        _ask(workspace, 200)
    with hanging_counters(system):
        until(lambda: _limits_state(system) == "degraded", "the hanging counters to show", seconds=15)
        _ask(workspace, 200)
    until(lambda: _limits_state(system) == "ready", "the counters to be well again", seconds=15)
    assert _used(workspace) == 3
    until(lambda: _refused(workspace), "the quota to hold again", seconds=15)


def test_emptied_counters_are_filled_from_the_ledger(system: System) -> None:
    """Counters that forget everything know the month's questions again with the next request."""
    workspace = system.workspace("counters-emptied", queries=3)
    for _ in range(3):
        _ask(workspace, 200)
    assert _used(workspace) == 3
    with counters(system) as store:
        store.flushall()
    _ask(workspace, 429)
    assert _used(workspace) == 3


@pytest.mark.timeout(120)
def test_killed_check_loses_nothing_of_the_ledger(system: System) -> None:
    """While the check is gone requests get 503; what was answered before and after is counted exactly."""
    workspace = system.workspace("check-killed", plan="enterprise")
    with asking(workspace) as askers:
        time.sleep(0.7)
        starts = system.kill("access")
        system.wait_restarted("access", starts)
        time.sleep(1)
    answered = sum(len(asker.answered) for asker in askers)
    assert set(_statuses(askers)) <= {200, 503}
    # A question that was answered and counted may have lost its answer on the way: one of each asker.
    until(lambda: answered <= _used(workspace) <= answered + len(askers), "the ledger to be level")


@pytest.mark.skipif(ROUNDS == 1, reason="waits a minute and a half: make faults")
@pytest.mark.timeout(180)
def test_what_a_killed_check_had_set_aside_goes_back(system: System) -> None:
    """Queries that a killed check had taken ahead of use are free again once the workspace was quiet."""
    workspace = system.workspace("check-killed-quota", plan="enterprise")
    with asking(workspace):
        time.sleep(0.7)
        system.wait_restarted("access", system.kill("access"))
        time.sleep(1)
    time.sleep(90)
    _assert_quota_is_exact(system, workspace, _used(workspace))


@contextmanager
def asking(workspace: Workspace) -> Iterator[list[Asker]]:
    """Two clients that ask all the time and may not see anything but answers and proper 503."""
    askers = [Asker(workspace, QUESTION, lambda: False) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        yield askers
    finally:
        for asker in askers:
            asker.finish()
    assert [problem for asker in askers for problem in asker.problems] == []
    assert all(asker.answered for asker in askers)


@contextmanager
def hanging_counters(system: System) -> Iterator[None]:
    """Counters that take connections and answer nothing."""
    system.kill("valkey", signal.SIGSTOP)
    try:
        yield
    finally:
        system.kill("valkey", signal.SIGCONT)


@contextmanager
def counters(system: System) -> Iterator[redis.Redis]:
    """The counters themselves, with their password."""
    port = system.processes()["valkey"]["port"]
    with redis.Redis.from_url(valkey_url(DataDirectory(system.data), port)) as store:
        yield store


def _statuses(askers: list[Asker]) -> dict[int, int]:
    return dict(sum((asker.statuses for asker in askers), Counter()))


def _ask(workspace: Workspace, status: int) -> None:
    answer = workspace.http.post("/v1/query", json={"message": QUESTION})
    assert answer.status_code == status, answer.text
    if status == 429:
        assert_problem(answer, 429, "QUOTA_EXCEEDED")


def _refused(workspace: Workspace) -> bool:
    return workspace.http.post("/v1/query", json={"message": QUESTION}).status_code == 429


def _used(workspace: Workspace) -> int:
    answer = workspace.http.get(USAGE)
    assert answer.status_code == 200, answer.text
    used: int = answer.json()["queries"]["used"]
    return used


def _limits_state(system: System) -> str:
    answer = client(system.url).get("/readyz")
    assert answer.status_code == 200, answer.text
    state: str = answer.json()["checks"]["limits"]
    return state


def _assert_quota_is_exact(system: System, workspace: Workspace, used: int) -> None:
    """The counters agree with the ledger: with room for two more, two pass."""
    system.limit(workspace.name, queries=used + 2)

    def told() -> bool:
        limit: int = workspace.http.get(USAGE).json()["queries"]["limit"]
        return limit == used + 2

    until(told, "the new limit", seconds=5)
    for status in (200, 200, 429):
        _ask(workspace, status)
