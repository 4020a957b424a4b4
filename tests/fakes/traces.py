"""Documents that can be recognised in any file, and where something of them still is."""

import time
from pathlib import Path

from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from tantivy import Index

from services.vector_search.domain.changes import Chunk
from services.vector_search.domain.passages import Document
from services.vector_search.domain.units import Units
from services.vector_search.index.lexical_schema import ANALYZER, SCHEMA, TOKENIZER
from tests.fakes.vector_search_data import ACME, ReplicaUnderTest, a_vector


def canary(number: int, part: str) -> str:
    """Return a word that nothing else has: of a document, and in one part of it."""
    return f"Canary{part}{number:05d}Running"


PARTS = ("title", "url", "tag", "heading", "text", "unit")


def a_marked_document(name: str, number: int, *, active: bool = True) -> Document:
    """Return `doc_<name>`, marked in title, address and tags."""
    title, url, tag = (canary(number, part) for part in ("title", "url", "tag"))
    return Document(f"doc_{name}", f"About {title}", f"https://example.com/{url}", (tag,), active=active)


def a_marked_chunk(name: str, document: str, number: int, *, words: int = 40) -> Chunk:
    """Return `chunk_<name>` of `doc_<document>`, marked in heading, text and the heading of its unit."""
    heading, text, unit = (canary(number, part) for part in ("heading", "text", "unit"))
    units = pb.Hit(units=[pb.Unit(start=0, end=4, kind="item", heading=unit)]).SerializeToString()
    return Chunk(
        chunk_id=f"chunk_{name}",
        document_id=f"doc_{document}",
        ordinal=0,
        heading_path=("Help", heading),
        text=f"invoice {text} " + "router " * words,
        vector=a_vector(number),
        units=Units(units, bytes(range(8))),
    )


def traces(folder: Path, number: int) -> list[str]:
    """Return the files below a folder, and the lexical indexes, that have something of a mark."""
    forms = set()
    for part in PARTS:
        word = canary(number, part)
        forms |= {word, word.lower(), *ANALYZER.analyze(word)}
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        raw = path.read_bytes()
        if any(form.encode() in raw for form in forms):
            found.append(path.relative_to(folder).as_posix())
    # Their dictionaries are compressed: bytes alone would not be found.
    for meta in folder.rglob("meta.json"):
        try:
            searcher = _opened(meta.parent).searcher()
        except ValueError:
            # A crash left half of it: nobody can read that either.
            continue
        if any(searcher.doc_freq("words", form) for form in forms):
            found.append(meta.parent.relative_to(folder).as_posix())
    return found


def erase(replica: ReplicaUnderTest, attempts: int = 500) -> None:
    """Do what the erasing thread does until everything is erased."""
    for _ in range(attempts):
        replica.workspaces.erase()
        if is_erased(replica):
            return
        time.sleep(0.01)
    raise AssertionError("not erased")


def is_erased(replica: ReplicaUnderTest) -> bool:
    """Return whether the replica says that its files have nothing of what is gone."""
    head = replica.feed.head(ACME)
    positions = replica.workspaces.positions()
    return bool(positions) and min(each.erased_revision for each in positions) >= head


def _opened(folder: Path) -> Index:
    index = Index(SCHEMA, path=str(folder))
    index.register_tokenizer(TOKENIZER, ANALYZER)
    return index
