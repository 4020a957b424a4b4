import random
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.kernel.errors import Unavailable
from services.runtime.database import Database, Json, UtcDateTime, migrate, open_database

METADATA = sa.MetaData()
ROWS = sa.Table(
    "rows",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime),
    sa.Column("data", Json),
)

VERSION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade():
    op.create_table("pages", sa.Column("id", sa.Integer, primary_key=True))
"""


@pytest.fixture
def database(database_url: str) -> Database:
    database = open_database(database_url, "database_test")
    METADATA.create_all(database.engine)
    return database


def test_types_survive(database: Database) -> None:
    """Instants come back in UTC, whatever their zone was; JSON comes back as it went."""
    at = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as connection:
        connection.execute(ROWS.insert().values(id=1, at=at, data={"tags": ["Größe", 1, None]}))
    with database.read() as connection:
        row = connection.execute(sa.select(ROWS)).one()
    assert row.at == at
    assert row.at.tzinfo == UTC
    assert row.data == {"tags": ["Größe", 1, None]}


def test_an_exception_rolls_back(database: Database) -> None:
    """Nothing of a transaction that was left by an exception stays."""
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute(ROWS.insert().values(id=1))
        raise RuntimeError
    with database.read() as connection:
        assert connection.execute(sa.select(ROWS)).all() == []


def test_writers_wait_for_each_other(database: Database) -> None:
    """Writers that read before they write lose no update."""
    with database.write() as connection:
        connection.execute(ROWS.insert().values(id=1, data=0))

    def add() -> None:
        for _ in range(10):
            with database.write() as connection:
                one = sa.select(ROWS.c.data).where(ROWS.c.id == 1).with_for_update()
                count = connection.execute(one).scalar_one()
                connection.execute(ROWS.update().where(ROWS.c.id == 1).values(data=count + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(sa.select(ROWS.c.data)).scalar_one() == 80


def test_a_read_is_one_snapshot(database: Database) -> None:
    """What is written while a read goes on is not seen by it."""
    with database.read() as reading:
        assert reading.execute(sa.select(ROWS)).all() == []
        with database.write() as connection:
            connection.execute(ROWS.insert().values(id=1))
        assert reading.execute(sa.select(ROWS)).all() == []


def test_migrations_run_once_even_when_started_together(database: Database, tmp_path: Path) -> None:
    """Processes that start together bring the tables up once, and none of them fails."""
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001_pages.py").write_text(VERSION)
    failures: list[Exception] = []

    def start() -> None:
        try:
            migrate(database, versions)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM pages")).scalar_one() == 0


def test_a_database_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    """A driver's failure reaches nobody as it is."""
    database = open_database(f"sqlite:///{tmp_path}/here.sqlite3", "gone")
    (tmp_path / "here.sqlite3").mkdir()
    with pytest.raises(Unavailable) as gone, database.write():
        pass
    assert gone.value.detail == "The database does not answer."


def test_a_wrong_statement_is_no_outage(database: Database) -> None:
    """What fails every time is not called unavailable, and its parameters are in no text."""
    wrong = sa.text("SELECT * FROM nowhere WHERE secret = :secret")
    with pytest.raises(sa.exc.DBAPIError) as failed, database.read() as connection:
        connection.execute(wrong, {"secret": "hunter2"})
    assert "hunter2" not in str(failed.value)


def words_of(folder: Path, words: Sequence[str]) -> list[str]:
    held = b"".join(each.read_bytes() for each in folder.iterdir())
    return [each for each in words if each.encode() in held]


def test_scrubbed_files_have_nothing_that_was_deleted(tmp_path: Path) -> None:
    """Neither the log nor the unused part of a page has a word of a deleted row; what is there stays."""
    database = open_database(f"sqlite:///{tmp_path / 'scrubbed.db'}", "")
    metadata = sa.MetaData()
    pages = sa.Table("pages", metadata, sa.Column("title", sa.Text, primary_key=True))
    metadata.create_all(database.engine)
    chosen = random.Random(0)
    words = [f"canary{n}x" for n in range(2000)]
    # Rows of all lengths come between others, so that pages are divided and rows move.
    titles = {each: each + "k" * chosen.randrange(40) + each for each in chosen.sample(words, len(words))}
    with database.write() as connection:
        for title in titles.values():
            connection.execute(pages.insert().values(title=title))
    with database.write() as connection:
        connection.execute(pages.delete().where(pages.c.title.in_([titles[each] for each in words[::2]])))
    assert words_of(tmp_path, words[::2]) == words[::2]
    database.scrub([pages])
    assert words_of(tmp_path, words[::2]) == []
    assert words_of(tmp_path, words[1::2]) == words[1::2]
    with database.read() as connection:
        assert len(connection.execute(sa.select(pages)).all()) == 1000
    database.close()


def test_scrub_waits_for_who_reads_what_was_deleted(tmp_path: Path) -> None:
    """While somebody's snapshot still has it, it can't be said to be gone; others write on all the same."""
    database = open_database(f"sqlite:///{tmp_path / 'read.db'}", "")
    METADATA.create_all(database.engine)
    with database.write() as connection:
        connection.execute(ROWS.insert().values(id=1, data="canary"))
    with database.read() as reader:
        reader.execute(sa.select(ROWS)).all()
        with database.write() as connection:
            connection.execute(ROWS.delete())
        with pytest.raises(Unavailable):
            database.scrub([ROWS])
        with database.write() as connection:
            connection.execute(ROWS.insert().values(id=2))
    database.scrub([ROWS])
    assert words_of(tmp_path, ["canary"]) == []
    database.close()


def test_scrub_says_so_where_a_snapshot_has_what_was_deleted(database: Database) -> None:
    """Neither database takes a row away that somebody may still read, and neither says that it did."""
    with database.write() as connection:
        connection.execute(ROWS.insert().values(id=1))
    with database.read() as reader:
        reader.execute(sa.select(ROWS)).all()
        with database.write() as connection:
            connection.execute(ROWS.delete())
        with pytest.raises(Unavailable):
            database.scrub([ROWS])
    with database.read() as later:
        later.execute(sa.select(ROWS)).all()
    database.scrub([ROWS])


def test_scrub_takes_deleted_rows_out_of_their_pages(database: Database) -> None:
    """It works on both databases, and changes nothing of what is there."""
    with database.write() as connection:
        connection.execute(ROWS.insert(), [{"id": n} for n in range(5)])
        connection.execute(ROWS.delete().where(ROWS.c.id < 3))
    database.scrub([ROWS])
    with database.read() as connection:
        assert sorted(connection.execute(sa.select(ROWS.c.id)).scalars()) == [3, 4]
