"""The replica against an exact model of what it was told."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.vector_search.domain.changes import Chunk
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.passages import Document
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import FloatVector
from services.vector_search.index.graph_keeper import CollectionSettings
from services.vector_search.index.hnsw import HnswParameters
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.power_cut import PowerCut, power_cut
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    ReplicaUnderTest,
    a_question,
    a_vector,
    hits_of,
    some_units,
)

TAGS = ("billing", "setup", "limits")
LOCALES = ("", "en", "en-GB", "de")
WORDS = ("invoice", "refund", "router", "login", "export")

# A graph from a dozen passages on, fed and rebuilt every few changes.
TINY = CollectionSettings(
    exact_below=12,
    hnsw=HnswParameters(8, 64, 128, rows_per_step=0),
    buffer=3,
    snapshot_share=0.1,
)

tag_sets = st.frozensets(st.sampled_from(TAGS), max_size=2)
attributes = st.fixed_dictionaries(
    {
        "tags": tag_sets.map(lambda tags: tuple(sorted(tags))),
        "locale": st.sampled_from(LOCALES),
        "authenticated": st.booleans(),
        "active": st.sampled_from((True, True, True, False)),
        "title": st.sampled_from(("Help", "Refund help")),
    }
)
filters = st.builds(
    Filter,
    any_tags=tag_sets,
    all_tags=st.one_of(st.just(frozenset()), tag_sets),
    locale=st.sampled_from(("", "en", "en-gb")),
    document_ids=st.frozensets(
        st.sampled_from([f"doc_{n}.{life}" for n in range(4) for life in (0, 0, 1)]), max_size=3
    ),
    include_authenticated=st.booleans(),
)
seeds = st.integers(0, 10_000)


def cosines(units: Units, query: FloatVector) -> list[float]:
    """Return the cosine of each unit; of a zero vector 0."""
    rows = np.frombuffer(units.vectors, dtype=np.int8).reshape(-1, len(query)).astype(np.float64)
    return [float(row @ query / np.linalg.norm(row)) if row.any() else 0.0 for row in rows]


class ReplicaMachine(RuleBasedStateMachine):
    """Writes, searches, restarts and crashes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.feed = FakeChangeFeed(page_revisions=3)
        self.under_test = ReplicaUnderTest(self.feed, self.folder, TINY)
        self.documents: dict[str, Document] = {}
        self.chunks: dict[str, Chunk] = {}
        # Ids are never given twice: a document that is deleted comes back as another.
        self.lives = [0] * 4
        # Another workspace's passage is as near as can be to every question and must never be found.
        self.feed.write(
            GLOBEX, documents=[Document("doc_0.0")], chunks=[self._chunk("foreign", "doc_0.0", 1)]
        )
        for number in range(3):
            self.put_document_of(number, Document(self._id(number)))
            self.put_chunks_of(number, 0, 6, 100 * number)
        self.under_test.follow()
        # A graph and a snapshot from the beginning on.
        self.under_test.workspaces.status(ACME)
        self.under_test.workspaces.maintain()

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.under_test.stop()
        shutil.rmtree(self.folder)

    @rule(number=st.integers(0, 3), values=attributes)
    def put_document(self, number: int, values: dict[str, object]) -> None:
        """A document is new, or only its attributes change."""
        self.put_document_of(number, Document(document_id=self._id(number), **values))  # type: ignore[arg-type]

    @rule(document=st.integers(0, 3), first=st.integers(0, 15), count=st.integers(1, 12), seed=seeds)
    def put_chunks(self, document: int, first: int, count: int, seed: int) -> None:
        """Passages are new or change, also before their document is known."""
        self.put_chunks_of(document, first, count, seed)

    def put_document_of(self, number: int, document: Document) -> None:
        """Write a document, here and there."""
        self.documents[self._id(number)] = document
        self.feed.write(ACME, documents=[document])

    def put_chunks_of(self, document: int, first: int, count: int, seed: int) -> None:
        """Write passages, here and there."""
        owner = self._id(document)
        chunks = [self._chunk(f"{owner}/{first + n}", owner, seed + n) for n in range(count)]
        self.chunks.update({each.chunk_id: each for each in chunks})
        self.feed.write(ACME, chunks=chunks)

    @rule(document=st.integers(0, 3), first=st.integers(0, 15), count=st.integers(1, 12))
    def delete_chunks(self, document: int, first: int, count: int) -> None:
        """Passages go, also ones that were never there."""
        names = [f"{self._id(document)}/{first + n}" for n in range(count)]
        for name in names:
            self.chunks.pop(name, None)
        self.feed.write(ACME, deleted_chunks=names)

    @rule(number=st.integers(0, 3))
    def delete_document(self, number: int) -> None:
        """A document goes with its passages."""
        document_id = self._id(number)
        self.lives[number] += 1
        self.documents.pop(document_id, None)
        self.chunks = {k: v for k, v in self.chunks.items() if v.document_id != document_id}
        self.feed.write(ACME, deleted_documents=[document_id])

    @rule()
    def follow(self) -> None:
        """The replica gets level; until then it answers from an earlier revision."""
        self.under_test.follow()

    @rule()
    def maintain(self) -> None:
        """Graphs are built, fed, rebuilt and written."""
        self.under_test.workspaces.maintain()

    @rule()
    def restart(self) -> None:
        """The process ends in order and begins again."""
        self.under_test.stop()
        self.under_test.start()
        self.under_test.follow()

    @rule()
    def crash(self) -> None:
        """The process dies and begins again."""
        self.under_test.crash()
        self.under_test.follow()

    @rule(steps=st.integers(0, 60))
    def crash_in_maintenance(self, steps: int) -> None:
        """The machine stops in the middle of building, compacting or writing a snapshot."""
        try:
            with power_cut(self.folder, steps):
                self.under_test.workspaces.maintain()
        except PowerCut:
            self.under_test.crash()
            self.under_test.follow()

    @rule(part=st.integers(0, 19), place=st.floats(0, 1, exclude_max=True), cut=st.booleans())
    def damage_index(self, part: int, place: float, cut: bool) -> None:
        """A byte of a snapshot changes, or a file is cut off, while the process is down."""
        self.under_test.stop()
        files = sorted(each for each in self.folder.glob("workspaces/*/*.index/**/*") if each.is_file())
        # How many files there are, and how long, is the engines' affair: nothing that is drawn depends on it.
        if files:
            path = files[part % len(files)]
            raw = bytearray(path.read_bytes())
            byte = int(place * len(raw))
            if cut or not raw:
                raw = raw[:byte]
            else:
                raw[byte] ^= 0x10
            # Another file, as a link to it is another's too.
            path.unlink()
            path.write_bytes(bytes(raw))
        self.under_test.start()
        self.under_test.follow()

    @rule(seed=seeds, wanted=filters, limit=st.integers(1, 30))
    def search_exactly(self, seed: int, wanted: Filter, limit: int) -> None:
        """Exact search finds just what the model finds, in its order."""
        self.under_test.follow()
        query = a_question(a_vector(seed), limit=limit, wanted=wanted, exact=True)
        assert self.under_test.found(ACME, query) == self._nearest(seed, wanted, limit)

    @rule(seed=seeds, wanted=filters, exact=st.booleans())
    def search_with_units(self, seed: int, wanted: Filter, exact: bool) -> None:
        """Whatever is found comes with the units that it was last written with, and their cosines."""
        self.under_test.follow()
        query = a_question(a_vector(seed), limit=30, wanted=wanted, exact=exact, with_units=True)
        for hit in hits_of(self.under_test.replica.search(ACME, query, None)):
            units = self.chunks[hit.passage.chunk_id].units
            assert hit.units == units.encoded
            assert hit.unit_cosines == pytest.approx(cosines(units, a_vector(seed)), abs=1e-7)

    @rule(seed=seeds, wanted=filters, limit=st.integers(1, 30))
    def search(self, seed: int, wanted: Filter, limit: int) -> None:
        """Any search finds as many allowed passages as there are, each once, and nearly the nearest."""
        self.under_test.follow()
        found = self.under_test.found(ACME, a_question(a_vector(seed), limit=limit, wanted=wanted))
        truth = self._nearest(seed, wanted, limit)
        assert len(found) == len(set(found)) == len(truth)
        assert set(found) <= self._allowed(wanted)
        assert len(set(found) & set(truth)) >= 0.8 * len(truth)

    @rule(word=st.sampled_from(WORDS), wanted=filters, seed=seeds, with_vector=st.booleans())
    def search_words(self, word: str, wanted: Filter, seed: int, with_vector: bool) -> None:
        """Words find every allowed passage that has them, in title or text, and no other scores by them."""
        self.under_test.follow()
        vector = a_vector(seed) if with_vector else None
        query = a_question(vector, word, limit=200, wanted=wanted)
        hits = hits_of(self.under_test.replica.search(ACME, query, None))
        sharing = {name for name in self._allowed(wanted) if word in self._words(name)}
        assert {hit.passage.chunk_id for hit in hits if hit.lexical > 0} == sharing
        if not with_vector:
            assert len(hits) == len(sharing)

    @invariant()
    def never_below_what_was_acknowledged(self) -> None:
        """What the feed was told is served."""
        known = self.feed.acknowledged.get(ACME)
        if known is not None and self.under_test.lease.may_serve:
            result = self.under_test.replica.search(ACME, a_question(a_vector(1)), None)
            assert result.revision >= known.revision

    def _id(self, number: int) -> str:
        return f"doc_{number}.{self.lives[number]}"

    def _chunk(self, name: str, document_id: str, seed: int) -> Chunk:
        text = f"{WORDS[seed % 5]} and {WORDS[seed // 5 % 5]}"
        return Chunk(name, document_id, 0, (), text, a_vector(seed), some_units(seed, seed % 6))

    def _words(self, name: str) -> set[str]:
        chunk = self.chunks[name]
        title = self.documents[chunk.document_id].title
        return set(f"{title} {chunk.text}".lower().split())

    def _allowed(self, wanted: Filter) -> set[str]:
        return {
            name
            for name, chunk in self.chunks.items()
            if (document := self.documents.get(chunk.document_id)) and wanted.matches(document)
        }

    def _nearest(self, seed: int, wanted: Filter, limit: int) -> list[str]:
        query = a_vector(seed).astype(np.float64)
        scored = [
            (-round(float(self.chunks[name].vector.astype(np.float64) @ query), 7), name)
            for name in self._allowed(wanted)
        ]
        return [name for _, name in sorted(scored)[:limit]]


ReplicaMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestReplica = ReplicaMachine.TestCase
