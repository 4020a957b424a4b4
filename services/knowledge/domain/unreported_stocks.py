"""What access has not been told of the stocks yet."""

import threading
from collections.abc import Sequence

from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.stock import WorkspaceStock

AT_ONCE = 500


class UnreportedStocks:
    """
    Each stock at its newest version, until access has been told; kept in the store, so that nothing is lost.

    Any number of processes may report them: a version that access knows changes nothing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # Set when some stock has changed.
        self.wake = threading.Event()

    def take(self) -> Sequence[WorkspaceStock]:
        """Return at most 500 stocks that have changed since they were reported; raise Unavailable."""
        with self._store.read() as tx:
            return tx.stocks.unreported(AT_ONCE)

    def reported(self, stocks: Sequence[WorkspaceStock]) -> None:
        """Take note that these arrived; raise Unavailable, and they are told again."""
        with self._store.write() as tx:
            tx.stocks.reported(stocks)
