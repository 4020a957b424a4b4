"""The limits of all gateways together, and of this one alone while the shared counters are away."""

from collections.abc import Callable
from dataclasses import replace

from gateway.access.domain.limits.counters import Counters, CountersUnavailable, Taken
from gateway.access.domain.limits.in_process import InProcessCounters
from gateway.access.domain.limits.lease import Lease, Unspent
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.metering import Account, Admitted, Exceeded
from gateway.access.domain.usage.month import Month
from services.kernel.clock import Clock

_MICROSECONDS = 1_000_000


class SharedLimits:
    """
    Implements `Limits`: exact near a limit, a call of the shared counters in up to 128 requests far from it.

    A token taken ahead is used within about a second or goes back, so that in any minute at most the limit
    and that second's share of it pass; of a bucket that was left alone exactly the limit. While the shared
    counters are away every process grants the whole limit by itself, from where they left off, and the
    month's queries are not limited.
    """

    def __init__(
        self,
        counters: Counters,
        leases: Leases,
        months: MonthlyCounts,
        clock: Clock,
        now: Callable[[], int],
    ) -> None:
        """`now`: microseconds of a clock that never goes back."""
        self._counters = counters
        self._leases = leases
        self._months = months
        self._clock = clock
        self._now = now
        self._own_counters = InProcessCounters(now)
        self._own_leases = Leases(now, refills=False)
        self._degraded = False
        # How many requests passed or were refused by this process' own counters.
        self.decided_alone = 0

    @property
    def degraded(self) -> bool:
        """Whether this process limits alone."""
        return self._degraded

    @property
    def set_aside(self) -> int:
        """How many tokens are set aside."""
        return self._leases.tokens + self._own_leases.tokens

    def admit_at_once(self, account: Account) -> Admitted | Exceeded | None:
        """Decide on what is set aside or known."""
        decision = self._leases.decide(account)
        if decision is None and self._degraded:
            decision = self._own_leases.decide(account)
            self.decided_alone += decision is not None
        return decision

    def admit(self, account: Account) -> Admitted | Exceeded:
        """Count a request, or refuse it."""
        with self._leases.turn(account) as lease:
            decision = self._leases.decide(account)
            if decision is not None:
                return decision
            try:
                self._give_back(self._counters, self._leases.withdraw(lease))
                decision = self._shared(lease)
                self._degraded = False
                return decision
            except CountersUnavailable:
                self._degraded = True
        return self._alone(account)

    def refill_next(self) -> bool:
        """
        Wait for an account that has little left and take more for it; False: there will be none any more.

        For a thread of its own, so that requests find something set aside whenever there is enough.
        """
        account = self._leases.low.get()
        if account is not None:
            self._refill(account)
        return account is not None

    def end_refills(self) -> None:
        """Let `refill_next` return False."""
        self._leases.low.put(None)

    def tidy(self) -> None:
        """Give back what was not used in its time; call it a few times a second."""
        self._give_back(self._own_counters, self._own_leases.lapsed())
        self._give_back_or_lose(self._leases.lapsed())

    def stop(self) -> None:
        """Give back all that is set aside."""
        self._give_back_or_lose(self._leases.withdraw_all())

    def _refill(self, account: Account) -> None:
        month, month_in = self._month()
        with self._leases.turn(account) as lease:
            taken, asked_at = None, self._now()
            try:
                if self._leases.needs_refill(lease, month):
                    # Of those in the row one is this thread.
                    least = lease.waiting - 1
                    taken = self._taken(account, month, least, least + self._leases.wanted(lease))
            except CountersUnavailable:
                # The next request that finds nothing left finds that out, too.
                taken = None
            finally:
                unspent = self._leases.refill(lease, month, taken, asked_at, month_in)
        self._give_back_or_lose(unspent)

    def _shared(self, lease: Lease) -> Admitted | Exceeded:
        decision = self._ask(lease)
        if isinstance(decision, Exceeded):
            # What this process holds for other keys of the workspace must not be what is missing here.
            unspent = self._leases.withdraw_sharing(lease)
            if unspent:
                self._give_back(self._counters, unspent)
                decision = self._ask(lease)
        return decision

    def _ask(self, lease: Lease) -> Admitted | Exceeded:
        month, month_in = self._month()
        asked_at, least, ahead = self._now(), lease.waiting, self._leases.wanted(lease)
        # The first token is for the request itself.
        taken = self._taken(lease.account, month, least, least - 1 + ahead)
        # Where the shared counters left off, this process' own go on.
        self._own_counters.learn(lease.account, taken.full_in)
        return self._leases.put(lease, month, taken, asked_at, month_in)

    def _taken(self, account: Account, month: Month, least: int, most: int) -> Taken:
        if account.queries is not None:
            self._months.note(account.workspace_id, month)
        taken = self._counters.take(account, month, least, most)
        if taken is None and self._months.rebuild(account.workspace_id, month):
            taken = self._counters.take(account, month, least, most)
        if taken is None:
            # Neither the counters nor the ledger know: the quota stays open, and is put right later.
            taken = self._counters.take(replace(account, queries=None), month, least, most)
        assert taken is not None
        return taken

    def _alone(self, account: Account) -> Admitted | Exceeded:
        month, month_in = self._month()
        if account.queries is not None:
            self._months.note(account.workspace_id, month)
        self.decided_alone += 1
        with self._own_leases.turn(account) as lease:
            decision = self._own_leases.decide(account)
            if decision is not None:
                return decision
            self._give_back(self._own_counters, self._own_leases.withdraw(lease))
            asked_at, least, ahead = self._now(), lease.waiting, self._own_leases.wanted(lease)
            taken = self._own_counters.take(account, month, least, least - 1 + ahead)
            return self._own_leases.put(lease, month, taken, asked_at, month_in)

    def _give_back(self, counters: Counters, unspent: list[Unspent]) -> None:
        for each in unspent:
            counters.give_back(each.account, each.month, each.tokens, each.counted)

    def _give_back_or_lose(self, unspent: list[Unspent]) -> None:
        try:
            self._give_back(self._counters, unspent)
        except CountersUnavailable:
            # The buckets fill up by themselves, and the month is put right by the ledger.
            return

    def _month(self) -> tuple[Month, int]:
        now = self._clock.now()
        month = Month.of(now)
        return month, int((month.end - now).total_seconds() * _MICROSECONDS)
