"""A replica that has a snapshot, and how to tell that it is right after whatever happened to it."""

import shutil
import sqlite3
from pathlib import Path

from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.vector_search_data import (
    ACME,
    Hit,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
    hits_of,
)

WORDS = ("invoice", "router", "password")


def a_feed() -> FakeChangeFeed:
    """Return a new feed with 120 passages in three documents."""
    feed = FakeChangeFeed()
    documents = [a_document(name, title=f"About {name}") for name in "abc"]
    chunks = [a_chunk(f"{n:03}", "abc"[n % 3], seed=n, text=f"{WORDS[n % 3]} number{n}") for n in range(120)]
    feed.write(ACME, documents=documents, chunks=chunks)
    return feed


def saved_replica(feed: FakeChangeFeed, folder: Path) -> ReplicaUnderTest:
    """Return a replica that is level and has a snapshot."""
    replica = ReplicaUnderTest(feed, folder)
    replica.follow()
    maintain(replica)
    assert folder_of(replica).joinpath("manifest.json").exists()
    return replica


def maintain(replica: ReplicaUnderTest) -> None:
    """Have the collection in memory, and do what a maintenance round does."""
    replica.found(ACME, a_question(a_vector(1)))
    replica.workspaces.maintain()


def folder_of(replica: ReplicaUnderTest) -> Path:
    """Return where the index is kept."""
    (folder,) = replica.folder.glob(f"workspaces/{ACME}/*.index")
    return folder


def edit_file(replica: ReplicaUnderTest, *statements: str) -> Path:
    """Change the workspace's file behind the back of a replica that is stopped; return its path."""
    (path,) = replica.folder.glob(f"workspaces/{ACME}/*.sqlite")
    with sqlite3.connect(path) as connection:
        for each in statements:
            connection.execute(each)
    connection.close()
    return path


def has_graph(replica: ReplicaUnderTest) -> bool:
    """Return whether the collection has a graph: one that was just loaded has it from its snapshot only."""
    return replica.workspaces.status(ACME).dense_index == "hnsw"


def answers(replica: ReplicaUnderTest, *, exact: bool = True) -> list[list[Hit]]:
    """Return what many questions find, by meaning and by words, with all scores and units."""
    texts = ("", "router password number7", "invoice zebra", "about new words")
    questions = [
        a_question(a_vector(seed), text, 30, exact=exact, with_units=True)
        for seed in range(8)
        for text in texts
    ]
    return [hits_of(replica.replica.search(ACME, each, None)) for each in questions]


def require_as_new(replica: ReplicaUnderTest, feed: FakeChangeFeed) -> None:
    """Whatever its history, a replica answers as one that read the whole feed just now."""
    fresh = ReplicaUnderTest(feed, replica.folder.parent / "fresh")
    fresh.follow()
    # Before exact questions, which have the lexical index built anew where something of it is gone.
    for word in ("zebra", "about", "replaced", "new", "invoice", "number7"):
        question = a_question(text=word, limit=200)
        assert sorted(replica.found(ACME, question)) == sorted(fresh.found(ACME, question))
    assert answers(replica) == answers(fresh)
    found = replica.found(ACME, a_question(a_vector(5), limit=200))
    assert sorted(found) == sorted(fresh.found(ACME, a_question(a_vector(5), limit=200)))
    fresh.stop()
    shutil.rmtree(fresh.folder)


def change_everything(feed: FakeChangeFeed) -> None:
    """Add, replace and delete passages, change titles and other attributes, delete a document."""
    feed.write(ACME, chunks=[a_chunk(f"n{n}", "a", seed=500 + n, text=f"new number{n}") for n in range(5)])
    feed.write(ACME, chunks=[a_chunk(f"{n:03}", "b", seed=900 + n, text="replaced") for n in range(1, 10, 3)])
    feed.write(ACME, documents=[a_document("b", title="Zebra crossing"), a_document("a", locale="de")])
    feed.write(ACME, deleted_chunks=["chunk_000", "chunk_n1"], deleted_documents=["doc_c"])
