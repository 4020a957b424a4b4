"""
First answers to an `Idempotency-Key` whose work is long and no transaction: an answer of a language model.

The key is claimed before the work and the answer is kept at its end, in two short transactions. Where the
work commits in the same database, `idempotency` is simpler and loses nothing.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from services.kernel.clock import Clock, SystemClock
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database, UtcDateTime
from services.runtime.idempotency import (
    KEPT,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IdempotencyScope,
    check_key,
    prune,
)

# Longer than any work takes: a process that died with a claim frees it after this time.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class FirstAnswerTables:
    """The answers, the subjects that each shows, and the subjects that none may show any more."""

    answers: sa.Table
    subjects: sa.Table
    forgotten: sa.Table


def first_answer_tables(metadata: sa.MetaData) -> FirstAnswerTables:
    """Return the store's tables for a service's own metadata."""
    scope = ("workspace_id", "principal", "method", "key")
    answers = sa.Table(
        "first_answers",
        metadata,
        *(sa.Column(name, sa.Text, primary_key=True) for name in scope),
        sa.Column("request_hash", sa.Text, nullable=False),
        # Who works on it, and until when that is believed.
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Index("first_answers_by_age", "created_at"),
    )
    subjects = sa.Table(
        "first_answer_subjects",
        metadata,
        *(sa.Column(name, sa.Text, primary_key=True) for name in scope),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.ForeignKeyConstraint(scope, [f"first_answers.{name}" for name in scope], ondelete="CASCADE"),
        sa.Index("first_answer_subjects_by_subject", "workspace_id", "subject"),
    )
    forgotten = sa.Table(
        "forgotten_subjects",
        metadata,
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        # How many answers that showed it are deleted.
        sa.Column("answers", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Index("forgotten_subjects_by_age", "created_at"),
    )
    return FirstAnswerTables(answers, subjects, forgotten)


@dataclass(frozen=True)
class Claim:
    """The right to answer first. One that lapsed and was given to another keeps and frees nothing."""

    scope: IdempotencyScope
    token: str


class FirstAnswers:
    """
    The first answers of one service, and the ids of what they show (their subjects).

    A subject that is deleted takes its answers along, those that are still being made included.
    """

    def __init__(self, database: Database, tables: FirstAnswerTables, clock: Clock | None = None) -> None:
        self._database = database
        self._table = tables.answers
        self._subjects = tables.subjects
        self._forgotten = tables.forgotten
        self._clock = clock or SystemClock()

    def claim(self, scope: IdempotencyScope, request: str) -> Claim | bytes:
        """
        Return the first answer, or the claim of who is the first: it works, then calls `keep` or `release`.

        `request` is the `request_hash` of the body.

        Raises:
            IdempotencyKeyReused, IdempotencyKeyInFlight: as they say.
            InvalidArgument: the key is longer than 255 characters.
            Unavailable: the database does not answer; nobody may work then.
        """
        check_key(scope.key)
        now, t = self._clock.now(), self._table
        claim = Claim(scope, secrets.token_hex(8))
        void = sa.or_(t.c.created_at <= now - KEPT, sa.and_(t.c.answer.is_(None), t.c.lease_until <= now))
        values = {
            "request_hash": request,
            "claim": claim.token,
            "lease_until": now + LEASE,
            "created_at": now,
        }
        claiming = self._database.insert(t).values(**vars(scope), **values).on_conflict_do_nothing()
        with self._database.write() as connection:
            connection.execute(t.delete().where(*self._is(scope), void))
            if connection.execute(claiming.returning(t.c.key)).one_or_none() is not None:
                return claim
            query = sa.select(t.c.request_hash, t.c.answer).where(*self._is(scope))
            stored = connection.execute(query).one_or_none()
        if stored is None or (stored.answer is None and stored.request_hash == request):
            raise IdempotencyKeyInFlight
        if stored.request_hash != request:
            raise IdempotencyKeyReused
        return bytes(stored.answer)

    def keep(self, claim: Claim, answer: bytes, subjects: Collection[str] = ()) -> None:
        """
        Keep the answer for 24 hours, or free its key where one of its subjects was forgotten meanwhile.

        Raises:
            Unavailable: the database does not answer.
        """
        t, mine = self._table, (*self._is(claim.scope), self._table.c.claim == claim.token)
        with self._database.write() as connection:
            # So that nothing is forgotten between the look and the end.
            self._database.lock(connection, self._lock(claim.scope.workspace_id), shared=True)
            if self._is_forgotten(connection, claim.scope.workspace_id, subjects):
                connection.execute(t.delete().where(*mine))
                return
            kept = connection.execute(t.update().where(*mine).values(answer=answer)).rowcount
            if kept and subjects:
                rows = [{**vars(claim.scope), "subject": each} for each in sorted(set(subjects))]
                connection.execute(self._subjects.insert(), rows)

    def forget(self, workspace_id: WorkspaceId, subjects: Sequence[str]) -> list[int]:
        """
        Delete the answers that show one of the subjects; return for each how many, also when repeated.

        What shows one of them is not kept for 24 hours, longer than any answer takes. When it returns the
        answers are out of the database's files.

        Raises:
            Unavailable: it is not known to be done; safe to repeat.
        """
        wanted = sorted(set(subjects))
        with self._database.write() as connection:
            self._database.lock(connection, self._lock(workspace_id))
            self._note(connection, workspace_id, wanted)
            self._delete(connection, workspace_id, wanted)
            f = self._forgotten.c
            rows = connection.execute(
                sa.select(f.subject, f.answers).where(f.workspace_id == workspace_id, f.subject.in_(wanted))
            )
            answers = {row.subject: row.answers for row in rows}
        self._database.scrub([self._table, self._subjects])
        return [answers[each] for each in subjects]

    def release(self, claim: Claim) -> None:
        """Let the next request with the key be the first; raise Unavailable, the lease ends then."""
        t = self._table
        with self._database.write() as connection:
            connection.execute(
                t.delete().where(*self._is(claim.scope), t.c.claim == claim.token, t.c.answer.is_(None))
            )

    def prune(self) -> int:
        """Delete some of what is older than 24 hours, of all workspaces; return how many."""
        now = self._clock.now()
        return sum(prune(self._database, table, now) for table in (self._table, self._forgotten))

    def _is_forgotten(
        self, connection: sa.Connection, workspace_id: WorkspaceId, subjects: Collection[str]
    ) -> bool:
        f = self._forgotten.c
        among = sa.select(f.subject).where(f.workspace_id == workspace_id, f.subject.in_(subjects))
        return bool(subjects) and connection.execute(among.limit(1)).first() is not None

    def _note(self, connection: sa.Connection, workspace_id: WorkspaceId, subjects: Sequence[str]) -> None:
        """Remember what is forgotten, with the number of answers that are to be deleted for it."""
        s = self._subjects.c
        showing = (
            sa.select(s.subject, sa.func.count().label("answers"))
            .where(s.workspace_id == workspace_id, s.subject.in_(subjects))
            .group_by(s.subject)
        )
        answers = {row.subject: row.answers for row in connection.execute(showing)}
        note = self._database.insert(self._forgotten)
        again = note.on_conflict_do_update(
            index_elements=[*self._forgotten.primary_key],
            set_={"answers": self._forgotten.c.answers + note.excluded.answers},
        )
        now = self._clock.now()
        rows = [
            {
                "workspace_id": workspace_id,
                "subject": each,
                "answers": answers.get(each, 0),
                "created_at": now,
            }
            for each in subjects
        ]
        if rows:
            connection.execute(again, rows)

    def _delete(self, connection: sa.Connection, workspace_id: WorkspaceId, subjects: Sequence[str]) -> None:
        t, s = self._table.c, self._subjects.c
        showing = sa.select(s.principal, s.method, s.key).where(
            s.workspace_id == workspace_id, s.subject.in_(subjects)
        )
        named = sa.tuple_(t.principal, t.method, t.key)
        connection.execute(self._table.delete().where(t.workspace_id == workspace_id, named.in_(showing)))

    def _lock(self, workspace_id: WorkspaceId) -> str:
        return f"{self._table.name} {workspace_id}"

    def _is(self, scope: IdempotencyScope) -> tuple[sa.ColumnElement[bool], ...]:
        c = self._table.c
        return (
            c.workspace_id == scope.workspace_id,
            c.principal == scope.principal,
            c.method == scope.method,
            c.key == scope.key,
        )
