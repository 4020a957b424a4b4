"""Who is taken from the queue, and when again."""

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.queue import Waiting, backoff, fair


def waiting(workspace: str, name: str, lapses: int = 0) -> Waiting:
    return Waiting(WorkspaceId(workspace), DocumentId(name), lapses)


def test_workspaces_take_turns() -> None:
    """A large push does not hold up another workspace's single document."""
    large = [waiting("large", f"l{n}") for n in range(1000)]
    small = [waiting("small", "s0")]
    assert [each.document_id for each in fair([large, small], 4)] == ["l0", "s0", "l1", "l2"]


def test_what_indexers_died_of_comes_alone() -> None:
    """A document that may be what kills indexers takes nothing with it, and holds nothing up."""
    poison, others = waiting("w", "p", lapses=3), [waiting("w", "a"), waiting("w", "b", lapses=2)]
    assert fair([[poison, *others]], 10) == [poison]
    assert fair([[*others, poison]], 10) == others


def test_backoff_grows_to_a_minute() -> None:
    """Each failure waits longer, never for long."""
    assert [backoff(n).total_seconds() for n in range(1, 6)] == [1, 4, 16, 60, 60]
