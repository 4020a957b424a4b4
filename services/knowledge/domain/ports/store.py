"""
What the rules need of the database.

One `Transaction` commits whole or not at all. Who changes a workspace calls `bases.lock` first: its writers
go one after the other, so that the order of commits is the order of revisions, and nobody waits for a lock in
another order.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from services.knowledge.domain.ports.answers import Answers
from services.knowledge.domain.ports.bases import Bases
from services.knowledge.domain.ports.deletions import Deletions
from services.knowledge.domain.ports.documents import Chunks, Documents
from services.knowledge.domain.ports.feed import Feed, Replicas
from services.knowledge.domain.ports.history import History
from services.knowledge.domain.ports.operations import Operations
from services.knowledge.domain.ports.past import Past
from services.knowledge.domain.ports.queue import Queue
from services.knowledge.domain.ports.reindexes import Reindexes
from services.knowledge.domain.ports.stocks import Stocks
from services.knowledge.domain.ports.versions import Versions


class Transaction(Protocol):
    """All of it within one transaction."""

    @property
    def bases(self) -> Bases: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def chunks(self) -> Chunks: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def reindexes(self) -> Reindexes: ...
    @property
    def history(self) -> History: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def replicas(self) -> Replicas: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def stocks(self) -> Stocks: ...
    @property
    def versions(self) -> Versions: ...
    @property
    def past(self) -> Past: ...
    @property
    def deletions(self) -> Deletions: ...


class Store(Protocol):
    """
    The database.

    Both raise Unavailable when it does not answer; leaving `write` by an exception undoes everything.
    """

    def write(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction that commits durably at its end."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """Begin a snapshot."""
        ...

    def scrub(self) -> None:
        """Leave nothing in the database's files of what committed transactions have deleted or replaced."""
        ...
