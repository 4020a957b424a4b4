"""One workspace on this replica: the generation that serves and the one that is held ready beside it."""

import logging
import threading
from dataclasses import dataclass

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import Acknowledgement, GenerationId
from services.vector_search.domain.errors import GoingOver
from services.vector_search.domain.generation import Generation
from services.vector_search.domain.lease import MonotonicClock
from services.vector_search.domain.ports import StoreDirectory, StoreInfo
from services.vector_search.domain.switch_time import SwitchTime

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _PendingSwitch:
    target: Generation
    time: SwitchTime


class Workspace:
    """
    Knows which generation serves: the one that the feed says does, or the next one from its switch on.

    Which one it is, a search finds out by itself, from the clock. What changes anything is called by the
    follower's thread, the rest by any.
    """

    def __init__(self, workspace_id: WorkspaceId, directory: StoreDirectory, clock: MonotonicClock) -> None:
        self.id = workspace_id
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        # Replaced whole, so that it can be read without the lock.
        self._generations: dict[int, Generation] = {}
        # None: nothing is known of it, or, with generations, not yet which one serves.
        self._serving: Generation | None = None
        self._switch: _PendingSwitch | None = None
        # Whether it went over by the clock, and the feed has not yet said that the switch is made.
        self._ahead = False
        # Not the feed's any more; their files are still there.
        self._dropped: list[Generation] = []

    @property
    def generations(self) -> list[Generation]:
        """All that are followed."""
        return list(self._generations.values())

    @property
    def serving(self) -> Generation | None:
        """The generation that serves, or did until a switch that is just happening; None: not known."""
        return self._serving

    @property
    def is_settled(self) -> bool:
        """Whether there is one generation, and no switch in sight."""
        return len(self._generations) <= 1 and self._switch is None and not self._ahead

    @property
    def is_switching(self) -> bool:
        """Whether a switch is to come."""
        return self._switch is not None

    def acknowledgements(self) -> list[Acknowledgement]:
        """Return how far everything is that can be served; nothing where it is not known which serves."""
        if self._serving is None:
            return []
        erased = self._erased_revision()
        infos = [each.info for each in self._generations.values()]
        return [Acknowledgement(each.position, erased) for each in infos if each is not None]

    def adopt(self, info: StoreInfo) -> None:
        """Take a file that was there at the start."""
        generation = self.generation(info.generation)
        generation.adopt(info)
        self._serving = generation
        self.doubt()

    def doubt(self) -> None:
        """
        Forget which of several generations serves: a switch may have been missed.

        A single one that can be served does. If the feed has another one, it says so, since nobody
        acknowledged that.
        """
        if len(self._generations) != 1 or self._serving is None or self._serving.info is None:
            self._serving = None
        self._switch = None
        self._ahead = False

    def generation(self, number: int) -> Generation:
        """Return a generation, which is followed from now on."""
        with self._lock:
            found = self._generations.get(number)
            if found is None:
                found = Generation(GenerationId(self.id, number), self._directory)
                self._generations = {**self._generations, number: found}
            return found

    def follows(self, number: int) -> bool:
        """Return whether the changes of a generation are wanted: not of one that is past."""
        return not self._ahead or (self._serving is not None and self._serving.id.generation == number)

    def announce(self, number: int, time: SwitchTime) -> None:
        """Learn that all replicas go over to a generation. Before the lease is prolonged beyond that."""
        target = self.generation(number)
        with self._lock:
            if self._ahead and self._serving is target:
                return
            known = self._switch
            if known is not None and known.target is target:
                time = known.time.narrowed(time)
            self._switch = _PendingSwitch(target, time)

    def arrange(self, serving: int | None, made: int | None, *, switching: bool) -> None:
        """
        Learn which generation serves, where the feed says so, and which one is being made beside it, if any.

        `switching`: a switch is set and the feed has not made it. What neither serves nor is made is dropped.
        """
        if switching:
            if serving is not None and not self._ahead:
                self._serve(self.generation(serving))
            return
        pending = self._switch
        if pending is not None and pending.target.id.generation != made:
            # A switch is never taken back.
            self._go_over(pending)
        self._switch, self._ahead = None, False
        if serving is not None:
            self._serve(self.generation(serving))
        if self._serving is not None:
            self._keep_only({self._serving.id.generation, made})

    def served(self) -> Generation | None:
        """
        Return the generation that a search which begins now is answered from; None: nothing is known.

        Raises:
            GoingOver: neither the one before nor the next one, for moments.
            Unavailable: it is not known which one.
        """
        while (switch := self._switch) is not None:
            now = self._clock()
            if now < switch.time.earliest:
                break
            if now < switch.time.latest:
                raise GoingOver
            self._go_over(switch)
        serving = self._serving
        if serving is None and any(each.info is not None for each in self.generations):
            raise Unavailable("It is not known which index serves.")
        return serving

    def switch_seconds(self) -> float | None:
        """Return in how many seconds the next generation serves for certain; None: no switch is to come."""
        switch = self._switch
        return None if switch is None else switch.time.latest - self._clock()

    @property
    def dropped(self) -> list[Generation]:
        """What is not followed any more and still has its files."""
        return self._dropped

    def forget(self, generation: Generation) -> None:
        """Note that the files of a generation that was dropped are gone."""
        with self._lock:
            self._dropped = [each for each in self._dropped if each is not generation]

    def _erased_revision(self) -> int:
        """Return up to where no file of any generation has anything of what was deleted or replaced."""
        held = [*self._generations.values(), *self._dropped]
        if len(held) == 1:
            # As a rule.
            return held[0].erased_revision or 0
        return min((each for each in (one.erased_revision for one in held) if each is not None), default=0)

    def _serve(self, generation: Generation) -> None:
        before = self._serving
        if before is generation:
            return
        if before is not None:
            _log.info("workspace %s is served from generation %d", self.id, generation.id.generation)
        self._refuse_until_whole(generation)
        self._serving = generation

    def _go_over(self, switch: _PendingSwitch) -> None:
        with self._lock:
            if self._switch is not switch:
                return
            # In this order, since `served` reads them in the other one.
            self._ahead = True
            target = switch.target
            self._refuse_until_whole(target)
            self._serving = target
            self._switch = None
        _log.info("workspace %s goes over to generation %d", self.id, target.id.generation)

    def _refuse_until_whole(self, following: Generation) -> None:
        # Where there was something, "nothing" is no answer.
        before = self._serving
        if before is not None and before.info is not None and following.info is None:
            following.withheld = True

    def _keep_only(self, numbers: set[int | None]) -> None:
        with self._lock:
            gone = [each for number, each in self._generations.items() if number not in numbers]
            if gone:
                self._dropped = [*self._dropped, *gone]
                self._generations = {n: each for n, each in self._generations.items() if n in numbers}
        for each in gone:
            _log.info("workspace %s drops generation %d", self.id, each.id.generation)
