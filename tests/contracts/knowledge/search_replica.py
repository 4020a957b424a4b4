"""A search replica in a few lines: which generation it serves, and what it finds."""

from collections.abc import Iterable
from datetime import timedelta

from services.knowledge.domain.change_feed import Head, News, Position, Replica, ReplicaId, Switch
from services.knowledge.domain.document import DocumentId
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.workshop import LEASE_SECONDS, WORKSPACE, Workshop


class NotServing(Exception):
    """The replica has no lease, or not what it is to serve."""


class SearchReplica:
    """
    Follows one workspace as `vector_search` does, and checks that it never serves an earlier state.

    A step is what one report and what came of it do; between steps a test may do what it likes.
    """

    def __init__(self, workshop: Workshop, name: str = "replica-1") -> None:
        self._workshop = workshop
        self.name = name
        self.files: dict[int, Follower] = {}
        self._heads: dict[int, int] = {}
        self._next: int | None = None
        self._switch: Switch | None = None
        self._serving: int | None = None
        self._lease_until = workshop.clock.now()
        self._known = False
        self._served = 0
        # What it must have before it serves anything.
        self._awaited: dict[int, int] = {}

    def report(self) -> News:
        """Prolong the lease, and say what is there."""
        sent_at = self._workshop.clock.now()
        alive = self._known and sent_at < self._lease_until
        if not alive:
            self.restart()
        # Which of several generations serves may have changed meanwhile: it has to be told.
        told = {} if not alive and len(self.files) > 1 else self.files
        positions = [
            Position(WORKSPACE, generation, file.revision, file.revision)
            for generation, file in told.items()
            if file.revision
        ]
        replica = Replica(ReplicaId(self.name), f"{self.name}:1", positions, reset=not alive)
        news = self._workshop.follow.sync(replica, 0)
        if not alive:
            self._awaited = {each.generation: each.revision for each in news.behind}
        self._known = True
        self._lease_until = sent_at + timedelta(seconds=LEASE_SECONDS)
        self._take(news)
        return news

    def step(self) -> None:
        """Report, fetch all there is, and report that."""
        self.report()
        self.fetch()
        self.report()

    def fetch(self, generations: Iterable[int] | None = None) -> None:
        """Catch up."""
        for generation in list(self._heads) if generations is None else generations:
            self.files.setdefault(generation, Follower(WORKSPACE, generation)).catch_up(self._workshop)

    def restart(self) -> None:
        """Lose what is in memory: what is known of heads, switches and leases."""
        self._known, self._heads, self._next, self._switch, self._serving = False, {}, None, None, None
        self._lease_until = self._workshop.clock.now()

    @property
    def generation(self) -> int:
        """The generation that is served now; raises NotServing."""
        now = self._workshop.clock.now()
        if not self._known or now >= self._lease_until:
            raise NotServing("no lease")
        generation = self._serving
        if self._switch is not None and now >= self._switch.at:
            generation = self._switch.generation
        if generation is None or generation not in self.files:
            raise NotServing("nothing to serve")
        for awaited, revision in self._awaited.items():
            file = self.files.get(awaited)
            if awaited in (self._next, generation) and (file is None or file.revision < revision):
                raise NotServing("not level yet")
        return generation

    def found(self) -> list[str]:
        """The texts that are found now."""
        return sorted(text for texts in self.texts().values() for text in texts)

    def texts(self) -> dict[DocumentId, list[str]]:
        """The texts that are found now, by document."""
        file = self.files[self.generation]
        assert file.revision >= self._served
        self._served = file.revision
        texts: dict[DocumentId, list[str]] = {each: [] for each in file.documents}
        for chunk in file.chunks.values():
            if chunk.document_id in texts:
                texts[chunk.document_id].append(chunk.text)
        return texts

    def _take(self, news: News) -> None:
        for head in news.behind:
            self._heads[head.generation] = head.revision
            if not head.next:
                self._serving = head.generation
        self._take_next([each for each in news.next if each.workspace_id == WORKSPACE])
        self._switch = next((each for each in news.switches if each.workspace_id == WORKSPACE), None)
        if self._serving is None:
            self._serving = next((each for each in self.files if each != self._next), None)
        for generation in {*self.files, *self._heads} - {self._serving, self._next}:
            self._forget(generation)

    def _take_next(self, following: list[Head]) -> None:
        generation = following[0].generation if following else None
        made = self._switch is not None and self._switch.generation == self._next
        if made and self._next != generation:
            self._serving = self._next
        self._next = generation

    def _forget(self, generation: int | None) -> None:
        if generation is not None:
            self.files.pop(generation, None)
            self._heads.pop(generation, None)
