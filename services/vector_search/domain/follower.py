"""The loop that keeps a replica level with the knowledge base and its lease alive."""

import logging
import threading
from collections import OrderedDict

from services.kernel.errors import DomainError, ErrorKind
from services.vector_search.domain.changes import Acknowledgement, GenerationId, Position, SyncAnswer
from services.vector_search.domain.errors import ChangesRefused, GenerationUnknown, StoreUnavailable
from services.vector_search.domain.lease import Lease, MonotonicClock
from services.vector_search.domain.ports import ChangeFeed, PastCollections
from services.vector_search.domain.workspaces import Workspaces

_log = logging.getLogger(__name__)

# Reports go out at least this often, so that the lease never waits for a long catch-up.
_REPORT_SECONDS = 1.0
# While there is more to fetch, acknowledgements are gathered for so long.
_GATHER_SECONDS = 0.1
# A generation whose changes can't be taken is tried again after so long.
_RETRY_SECONDS = 5.0
_PAUSES = (0.1, 0.2, 0.5, 1.0)

_PASSING = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED, ErrorKind.CANCELLED})


class Follower:
    """
    Reports to the feed, fetches what is behind, one page of one generation at a time.

    One thread calls `step`, or `run`, which repeats it.
    """

    def __init__(
        self,
        feed: ChangeFeed,
        workspaces: Workspaces,
        past: PastCollections,
        lease: Lease,
        clock: MonotonicClock,
    ) -> None:
        self._feed = feed
        self._workspaces = workspaces
        self._past = past
        self._lease = lease
        self._clock = clock
        # Whether the feed knows all of our positions.
        self._introduced = False
        self._acknowledged: dict[GenerationId, Acknowledgement] = {}
        self._reported_at = -_REPORT_SECONDS
        # Whether the last report waited for news.
        self._waited = False
        # What to fetch, in turns.
        self._behind: OrderedDict[GenerationId, Position] = OrderedDict()
        # What must be applied before serving begins; None: not told yet.
        self._awaited: set[GenerationId] | None = None
        self._awaits_more = False
        self._retry_at: dict[GenerationId, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        failures = 0
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(_REPORT_SECONDS / 2)
                failures = 0
            except DomainError as error:
                if failures == 0:
                    _log.warning("change feed does not answer: %s", error.detail)
                stop.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
            except Exception:
                _log.exception("following the change feed failed")
                stop.wait(_PAUSES[-1])

    def step(self) -> bool:
        """
        Report if it is time, then fetch one page of what is behind.

        Returns False where something is behind but none of it can be tried again yet: take a pause.

        Raises:
            DomainError: the feed did not answer.
        """
        ready = self._next()
        if self._is_time_to_report(ready is not None):
            self._report(wait_seconds=0.0 if ready else _REPORT_SECONDS)
            ready = self._next()
        if ready is not None:
            self._fetch(ready)
        return ready is not None or not self._behind

    def _is_time_to_report(self, busy: bool) -> bool:
        elapsed = self._clock() - self._reported_at
        if not busy or not self._introduced or elapsed >= _REPORT_SECONDS:
            return True
        return elapsed >= _GATHER_SECONDS and bool(self._moved())

    def _report(self, wait_seconds: float) -> None:
        if self._workspaces.take_losses():
            self._introduced = False
        reset = not self._introduced
        # Without a right to serve, not after a mere loss: what serves is served on.
        anew = reset and not self._lease.may_serve
        if anew:
            self._workspaces.doubt()
        moved = self._workspaces.positions() if reset else self._moved()
        if moved or reset or (self._waited and self._workspaces.is_switching):
            # An answer that did not wait tells the instant of a switch to within its own short time.
            wait_seconds = 0.0
        self._waited = wait_seconds > 0
        sent_at = self._clock()
        answer = self._feed.sync(moved, reset=reset, wait_seconds=wait_seconds)
        self._reported_at = sent_at
        if reset:
            self._acknowledged.clear()
        self._acknowledged.update({each.position.generation_id: each for each in moved})
        # In this order: who may serve at the instant of a switch knows of it.
        self._workspaces.announce(answer, sent_at, self._clock())
        unbroken = self._lease.renew(sent_at, answer.lease_seconds)
        # A lease that lapsed while this report was under way leaves us unknown again, and us in doubt.
        self._introduced = unbroken or anew
        if self._introduced:
            self._plan(answer, started_anew=reset)

    def _plan(self, answer: SyncAnswer, *, started_anew: bool) -> None:
        self._workspaces.arrange(answer)
        switching = {each.generation_id for each in answer.switches}
        heads = [each for each in answer.behind if self._workspaces.follows(each.position.generation_id)]
        for head in heads:
            self._repeat_if_forgotten(head.position)
        news = OrderedDict((each.position.generation_id, each.position) for each in heads)
        if started_anew:
            self._retry_at.clear()
        if started_anew or (self._awaited is not None and self._awaits_more):
            # What is held ready is waited for only where it is about to serve.
            needed = (each for each in heads if not each.is_next or each.position.generation_id in switching)
            self._awaited = {each.position.generation_id for each in needed} - self._retry_at.keys()
        elif self._awaited is not None:
            self._awaited &= news.keys()
        self._awaits_more = not answer.complete
        turns = [each for each in self._behind if each in news]
        self._behind = OrderedDict((each, news.pop(each)) for each in turns)
        self._behind.update(news)
        self._begin_serving_if_level()

    def _repeat_if_forgotten(self, head: Position) -> None:
        known = self._acknowledged.get(head.generation_id)
        if known is not None and known.position.revision >= head.revision:
            del self._acknowledged[head.generation_id]

    def _next(self) -> Position | None:
        now = self._clock()
        for generation_id, head in self._behind.items():
            if self._retry_at.get(generation_id, now) <= now:
                return head
        return None

    def _fetch(self, head: Position) -> None:
        generation_id = head.generation_id
        self._behind.move_to_end(generation_id)
        cursor = self._workspaces.cursor(generation_id)
        asked = cursor.position
        try:
            changes = self._feed.changes(cursor)
            level = self._workspaces.take(asked, changes)
        except GenerationUnknown as error:
            # Nothing is wrong: the next answer names it no more.
            self._put_off(generation_id, str(error), logging.WARNING)
        except (ChangesRefused, StoreUnavailable) as error:
            self._put_off(generation_id, str(error))
        except DomainError as error:
            if error.kind in _PASSING:
                raise
            self._put_off(generation_id, error.detail)
        else:
            self._retry_at.pop(generation_id, None)
            if asked.revision == 0 or changes.restart or changes.hide_something:
                # Before it is acknowledged: what is gone, or kept from the public, is so in the past, too.
                self._past.drop(generation_id.workspace_id)
            if level:
                del self._behind[generation_id]
                self._settled(generation_id)

    def _put_off(self, generation_id: GenerationId, problem: str, level: int = logging.ERROR) -> None:
        _log.log(level, "changes of workspace %s can't be taken: %s", generation_id.workspace_id, problem)
        self._retry_at[generation_id] = self._clock() + _RETRY_SECONDS
        if self._awaited is not None and generation_id in self._awaited:
            # It must not keep the others from being served.
            self._workspaces.withhold(generation_id)
            self._settled(generation_id)

    def _settled(self, generation_id: GenerationId) -> None:
        if self._awaited is not None:
            self._awaited.discard(generation_id)
            self._begin_serving_if_level()

    def _begin_serving_if_level(self) -> None:
        if self._introduced and self._awaited is not None and not self._awaited and not self._awaits_more:
            self._awaited = None
            self._lease.caught_up()
            _log.info("level with the change feed")

    def _moved(self) -> list[Acknowledgement]:
        known = self._acknowledged
        return [
            each for each in self._workspaces.positions() if known.get(each.position.generation_id) != each
        ]
