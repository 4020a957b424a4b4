"""
What a service did, counted for what it is charged: durably, before the caller has the answer.

A row holds totals of one run of a process, a workspace and a day (UTC), which only grow. Because a run writes
totals of its own and no differences, whatever is not certain (was that commit made? did that report arrive?)
is simply done again. Totals of several runs add up.
"""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
import structlog
from prometheus_client import Counter, Gauge

from services.kernel.clock import Clock, SystemClock
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database

NOT_COMMITTED = Counter("usage_not_committed_total", "Commits of counts that failed and are tried again.")
UNREPORTED = Gauge("usage_unreported", "Totals that wait to be reported.")

# Totals in one report.
MOST = 500
# How often what was reported is noted, and what an earlier run left behind is looked for.
_TIDY = timedelta(seconds=5)
# Longer than any request takes: afterwards a day's totals change no more.
_DAY_ENDS = timedelta(days=2)
# Longer than a month: what was reported and is older is not asked for again.
_KEPT = timedelta(days=62)

_log = structlog.get_logger(__name__)


def usage_table(metadata: sa.MetaData) -> sa.Table:
    """Return the table of counts for a service's own metadata."""
    unreported = sa.text("counted > reported_counted OR uncounted > reported_uncounted")
    return sa.Table(
        "usage",
        metadata,
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        # The run that counted.
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("uncounted", sa.Integer, nullable=False),
        sa.Column("reported_counted", sa.Integer, nullable=False),
        sa.Column("reported_uncounted", sa.Integer, nullable=False),
        sa.Index("usage_unreported", "day", sqlite_where=unreported, postgresql_where=unreported),
    )


@dataclass(frozen=True)
class Line:
    """What is counted together: `day` is by UTC, `source` the run that counts."""

    workspace_id: WorkspaceId
    kind: str
    channel: str
    day: date
    source: str


@dataclass(frozen=True)
class LineTotals:
    """How much was done, and how much was let through by the gateway and failed."""

    line: Line
    counted: int = 0
    uncounted: int = 0


class UsageCounter:
    """
    Counts; safe to use from several threads.

    A database that takes no count for a while costs nobody an answer: an answer that is not given is worse
    than one that is not charged. The counts stay in memory, are reported all the same, and are written when
    the database is back; only a process that ends before both loses them.
    """

    def __init__(self, database: Database, table: sa.Table, service: str, clock: Clock | None = None) -> None:
        """`service` begins the names of its sources."""
        self.source = f"{service}-{secrets.token_hex(6)}"
        # Set when there is something to report.
        self.wake = threading.Event()
        self._database = database
        self._table = table
        self._clock = clock or SystemClock()
        self._keep, self._note = _keep(database, table), _note(table)
        self._lock = threading.Lock()
        self._totals: dict[Line, LineTotals] = {}
        self._uncommitted: set[Line] = set()
        self._unreported: dict[Line, LineTotals] = {}
        self._reported: dict[Line, LineTotals] = {}
        self._tidied_at = datetime.min.replace(tzinfo=UTC)
        self._committing = threading.Lock()
        # How many counts there were, and how many of them are committed.
        self._made = self._committed = 0
        self._behind = False

    def counted(self, workspace_id: WorkspaceId, kind: str, channel: str, at: datetime) -> None:
        """Count what began at `at` and is done; it is committed on return, unless the database is gone."""
        made = self._add(workspace_id, kind, channel, at, counted=1)
        if self._behind:
            return
        # Those who wait here while one commits are all committed by the next of them.
        with self._committing:
            if self._committed < made and not self._behind:
                self._commit()

    def uncounted(self, workspace_id: WorkspaceId, kind: str, channel: str, at: datetime) -> None:
        """Count what was let through and failed; committed soon, since a loss of it is found elsewhere."""
        self._add(workspace_id, kind, channel, at, uncounted=1)

    def take(self) -> Sequence[LineTotals]:
        """Return totals that have changed since they were reported, at most `MOST`."""
        with self._committing:
            if self._committed < self._made:
                self._commit()
        now = self._clock.now()
        if now - self._tidied_at >= _TIDY:
            self._tidy(now)
        with self._lock:
            UNREPORTED.set(len(self._unreported))
            return list(self._unreported.values())[:MOST]

    def reported(self, totals: Sequence[LineTotals]) -> None:
        """Take note that these totals arrived."""
        with self._lock:
            for each in totals:
                self._reported[each.line] = each
                if self._unreported.get(each.line) == each:
                    del self._unreported[each.line]

    def _add(
        self,
        workspace_id: WorkspaceId,
        kind: str,
        channel: str,
        at: datetime,
        *,
        counted: int = 0,
        uncounted: int = 0,
    ) -> int:
        line = Line(workspace_id, kind, channel, at.astimezone(UTC).date(), self.source)
        with self._lock:
            before = self._totals.get(line) or LineTotals(line)
            after = replace(before, counted=before.counted + counted, uncounted=before.uncounted + uncounted)
            self._totals[line] = self._unreported[line] = after
            self._uncommitted.add(line)
            self._made += 1
            made = self._made
        self.wake.set()
        return made

    def _commit(self) -> None:
        with self._lock:
            made, lines = self._made, self._uncommitted
            self._uncommitted = set()
            # Sorted, as where others note what was reported: no two wait for each other in a ring.
            totals = [self._totals[line] for line in sorted(lines, key=astuple)]
        try:
            with self._database.write() as connection:
                for each in totals:
                    connection.execute(self._keep, {**vars(each.line), **_sums(each)})
        except Exception as error:
            with self._lock:
                self._uncommitted |= lines
            self._behind = True
            NOT_COMMITTED.inc()
            _log.error("usage_not_committed", lines=len(lines), exc_info=error)
        else:
            self._committed, self._behind = made, False

    def _tidy(self, now: datetime) -> None:
        """Note what was reported, find what an earlier run left, forget days that are over."""
        self._tidied_at = now
        with self._lock:
            noted = sorted(self._reported.values(), key=lambda each: astuple(each.line))
        try:
            left = self._note_and_look(noted, now)
        except Exception as error:
            # What this run has counted is reported all the same.
            _log.warning("usage_not_tidied", exc_info=error)
            return
        with self._lock:
            for each in noted:
                if self._reported.get(each.line) == each:
                    del self._reported[each.line]
            for each in left:
                if each.line not in self._reported:
                    self._unreported[each.line] = each
            over = (now - _DAY_ENDS).date()
            self._totals = {
                line: totals
                for line, totals in self._totals.items()
                if line.day >= over or line in self._unreported or line in self._uncommitted
            }

    def _note_and_look(self, noted: Sequence[LineTotals], now: datetime) -> list[LineTotals]:
        if noted:
            with self._database.write() as connection:
                for each in noted:
                    connection.execute(self._note, _named(each))
                connection.execute(_over(self._table, (now - _KEPT).date()))
        with self._database.read() as connection:
            return [_totals(row) for row in connection.execute(_unreported(self._table, self.source))]


def _keep(database: Database, table: sa.Table) -> sa.Insert:
    insert = database.insert(table).values(reported_counted=0, reported_uncounted=0)
    return insert.on_conflict_do_update(
        index_elements=[*table.primary_key],
        set_={"counted": insert.excluded.counted, "uncounted": insert.excluded.uncounted},
    )


def _note(table: sa.Table) -> sa.Update:
    names = ("workspace_id", "kind", "channel", "day", "source")
    return (
        table.update()
        .where(*(table.c[name] == sa.bindparam(f"of_{name}") for name in names))
        .values(reported_counted=sa.bindparam("of_counted"), reported_uncounted=sa.bindparam("of_uncounted"))
    )


def _named(totals: LineTotals) -> dict[str, object]:
    return {f"of_{name}": value for name, value in {**vars(totals.line), **_sums(totals)}.items()}


def _sums(totals: LineTotals) -> dict[str, int]:
    return {"counted": totals.counted, "uncounted": totals.uncounted}


def _over(table: sa.Table, day: date) -> sa.Delete:
    t = table.c
    arrived = sa.and_(t.counted <= t.reported_counted, t.uncounted <= t.reported_uncounted)
    return table.delete().where(t.day < day, arrived)


def _unreported(table: sa.Table, but: str) -> sa.Select[tuple[object, ...]]:
    t = table.c
    waits = sa.or_(t.counted > t.reported_counted, t.uncounted > t.reported_uncounted)
    return sa.select(table).where(waits, t.source != but).order_by(t.day).limit(MOST)


def _totals(row: sa.Row[tuple[object, ...]]) -> LineTotals:
    line = Line(WorkspaceId(row.workspace_id), row.kind, row.channel, row.day, row.source)
    return LineTotals(line, row.counted, row.uncounted)
