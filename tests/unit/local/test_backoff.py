from deploy.local.backoff import Backoff


def test_waits_double_up_to_five_seconds() -> None:
    """A process that keeps dying is started again after ever longer waits, at most 5 s."""
    backoff = Backoff()
    assert [backoff.after_run_of(0.1) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_steady_run_begins_anew() -> None:
    """After a run of 10 s the first wait is short again."""
    backoff = Backoff()
    for _ in range(4):
        backoff.after_run_of(1)
    assert backoff.after_run_of(10.0) == 0.2
    assert backoff.after_run_of(1) == 0.4
