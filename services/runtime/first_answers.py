"""
First answers to an `Idempotency-Key` whose work is long and no transaction: an answer of a language model.

The key is claimed before the work and the answer is kept at its end, in two short transactions. Where the
work commits in the same database, `idempotency` is simpler and loses nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from services.kernel.clock import Clock, SystemClock
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


def first_answers_table(metadata: sa.MetaData) -> sa.Table:
    """Return the store's table for a service's own metadata."""
    return sa.Table(
        "first_answers",
        metadata,
        sa.Column("workspace_id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        # Who works on it, and until when that is believed.
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Index("first_answers_by_age", "created_at"),
    )


@dataclass(frozen=True)
class Claim:
    """The right to answer first. One that lapsed and was given to another keeps and frees nothing."""

    scope: IdempotencyScope
    token: str


class FirstAnswers:
    """The first answers of one service."""

    def __init__(self, database: Database, table: sa.Table, clock: Clock | None = None) -> None:
        self._database = database
        self._table = table
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

    def keep(self, claim: Claim, answer: bytes) -> None:
        """Keep the answer for 24 hours; raise Unavailable when the database does not answer."""
        t = self._table
        with self._database.write() as connection:
            connection.execute(
                t.update().where(*self._is(claim.scope), t.c.claim == claim.token).values(answer=answer)
            )

    def release(self, claim: Claim) -> None:
        """Let the next request with the key be the first; raise Unavailable, the lease ends then."""
        t = self._table
        with self._database.write() as connection:
            connection.execute(
                t.delete().where(*self._is(claim.scope), t.c.claim == claim.token, t.c.answer.is_(None))
            )

    def prune(self) -> int:
        """Delete some of what is older than 24 hours, of all workspaces; return how many."""
        return prune(self._database, self._table, self._clock.now())

    def _is(self, scope: IdempotencyScope) -> tuple[sa.ColumnElement[bool], ...]:
        c = self._table.c
        return (
            c.workspace_id == scope.workspace_id,
            c.principal == scope.principal,
            c.method == scope.method,
            c.key == scope.key,
        )
