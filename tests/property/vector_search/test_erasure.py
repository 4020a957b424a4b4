"""Whatever happened to a workspace: what its files are said to have nothing of is not in them."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.vector_search.domain.passages import Document
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.traces import a_marked_chunk, a_marked_document, erase, is_erased, traces
from tests.fakes.vector_search_data import ACME, ReplicaUnderTest, a_question, a_vector

# More passages than this have a graph and files beside the workspace's.
_MANY = 50

_NAMES = st.integers(0, 11)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _NAMES, st.integers(1, 8), st.sampled_from((3, 40, 400, 3000))),
        st.tuples(st.just("describe"), _NAMES),
        st.tuples(st.just("shrink"), _NAMES),
        st.tuples(st.just("delete"), _NAMES),
        st.tuples(st.sampled_from(("follow", "load", "maintain", "erase", "crash", "restart"))),
    ),
    min_size=5,
    max_size=30,
)


class _History:
    """A replica, its feed, and what marks live; every write takes new marks."""

    def __init__(self, folder: Path) -> None:
        self.feed = FakeChangeFeed()
        self.replica = ReplicaUnderTest(self.feed, folder)
        self.marks = 0
        # Of each document and of each of its passages.
        self.described: dict[int, int] = {}
        self.passages: dict[int, dict[str, int]] = {}
        self._fill()

    def _fill(self) -> None:
        chunks = [a_marked_chunk(f"f{n}", "f", self._mark(), words=5) for n in range(_MANY)]
        self.feed.write(ACME, documents=[a_marked_document("f", self._mark())], chunks=chunks)
        self.kept = set(range(1, self.marks + 1))

    def do(self, step: tuple[object, ...]) -> None:
        """Do one step."""
        kind, *rest = step
        getattr(self, str(kind))(*rest)

    def write(self, name: int, passages: int, words: int) -> None:
        """Write a document with passages, some of which may replace others."""
        marks = {f"{name}_{n}": self._mark() for n in range(passages)}
        chunks = [a_marked_chunk(each, str(name), mark, words=words) for each, mark in marks.items()]
        self.passages.setdefault(name, {}).update(marks)
        self.feed.write(ACME, documents=[self._described(name)], chunks=chunks)

    def describe(self, name: int) -> None:
        """Change a document's title, address and tags."""
        if name in self.described:
            self.feed.write(ACME, documents=[self._described(name)])

    def shrink(self, name: int) -> None:
        """Delete a passage."""
        if self.passages.get(name):
            gone, _ = self.passages[name].popitem()
            self.feed.write(ACME, deleted_chunks=[f"chunk_{gone}"])

    def delete(self, name: int) -> None:
        """Delete a document."""
        if self.described.pop(name, None):
            self.passages.pop(name, None)
            self.feed.write(ACME, deleted_documents=[f"doc_{name}"])

    def follow(self) -> None:
        """Get level."""
        self.replica.follow()

    def load(self) -> None:
        """Have it in memory."""
        self.replica.follow()
        self.replica.found(ACME, a_question(a_vector(1)))

    def maintain(self) -> None:
        """Build and snapshot."""
        self.replica.workspaces.maintain()

    def erase(self) -> None:
        """Look once whether it is time."""
        self.replica.workspaces.erase()

    def crash(self) -> None:
        """Begin again as after a crash."""
        self.replica.crash()

    def restart(self) -> None:
        """End in order and begin again."""
        self.replica.stop()
        self.replica.start()

    def require_honesty(self) -> None:
        """Where it says that nothing is left, nothing is."""
        if is_erased(self.replica):
            self.require_nothing_left()

    def require_nothing_left(self) -> None:
        """Only what lives is in the files."""
        living = self.kept | set(self.described.values())
        living |= {mark for marks in self.passages.values() for mark in marks.values()}
        for mark in set(range(1, self.marks + 1)) - living:
            assert traces(self.replica.folder, mark) == []

    def _described(self, name: int) -> Document:
        self.described[name] = self._mark()
        return a_marked_document(str(name), self.described[name])

    def _mark(self) -> int:
        self.marks += 1
        return self.marks


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_STEPS, st.booleans())
def test_what_is_said_to_be_erased_is(steps: list[tuple[object, ...]], loaded: bool) -> None:
    """After any history nothing is claimed too early, and in the end everything gone is out of all files."""
    with tempfile.TemporaryDirectory() as folder:
        history = _History(Path(folder))
        history.follow()
        if loaded:
            history.load()
            history.maintain()
        for step in steps:
            history.do(step)
            history.require_honesty()
        history.follow()
        history.delete(0)
        history.follow()
        erase(history.replica)
        history.require_nothing_left()
        history.replica.stop()
