"""Which of SQLite's errors mean that a file is damaged, and which that it can't be used now."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from services.vector_search.domain.errors import StoreDamaged, StoreUnavailable

# A full disk or a missing permission says nothing about the content: dropping the file would mend nothing.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_DAMAGE_EXTENDED = frozenset({sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS})


@contextmanager
def sqlite_errors_named() -> Iterator[None]:
    """
    Turn what SQLite raises into the domain's errors.

    Raises:
        StoreDamaged: the file is not as it was written, a value that can't be decoded included.
        StoreUnavailable: the disk or the system refused.
    """
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        # Our own mistake, such as a closed connection.
        raise
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code not in _DAMAGE_EXTENDED and (code & 0xFF) in _PASSING:
            raise StoreUnavailable(error.sqlite_errorname) from error
        raise StoreDamaged(str(error)) from error
    except (UnicodeDecodeError, OverflowError) as error:
        raise StoreDamaged(str(error)) from error
