"""Our service and its peers, all up at once, measured in turns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.ceiling import Ceiling
from tests.bench.data import Data
from tests.bench.engine import Engine, Recalls, Speed, Tuned, recalls_of
from tests.bench.ours import Ours
from tests.bench.peers.pgvector import Pgvector
from tests.bench.peers.process import LibraryPeer, ServedPeer, files_of
from tests.bench.ratios import p50_over, ratios
from tests.bench.replica import Replica
from tests.bench.report import Report

LEVELS = (0.95, 0.99)
PEERS = ("hnswlib", "faiss", "usearch", "chroma", "pgvector", "milvus-lite")
# Where the ratios at a level of recall go.
_RATIOS = {0.95: "ratios", 0.99: "ratios_at_99"}
# Where to begin looking for an effort if hnswlib's is not known, which others' are near to.
_NEAR = {0.95: 32, 0.99: 96}
_WARM_SECONDS = 0.5


@dataclass(frozen=True)
class _Measurement:
    engine: str
    kind: str
    run: Callable[[float], Speed | None]


class Comparison:
    """Every step puts what it finds into the report."""

    def __init__(self, data: Data, report: Report, seconds: float) -> None:
        self._data = data
        self._report = report
        self._seconds = seconds
        self._peers: dict[str, Engine] = {}
        self._tuned: dict[tuple[str, float], Tuned] = {}
        self.one = Replica(data, Ours(data))
        self._others: list[Replica] = []
        self._ceilings: list[Ceiling] = []

    def open_peers(self, names: Sequence[str]) -> None:
        """Fill and tune each peer; one that fails is named in the report, with its reason."""
        files = files_of(self._data)
        for name in names:
            self._report.say(f"{name}: build")
            try:
                self._open(name, files)
            except Exception as error:  # a peer's failure, whatever it is, must not end the run
                self._drop(name, error)

    def build(self) -> None:
        """Fill our service."""
        built = self.one.build()
        shown = "**1 process, served**"
        self._report.put("engines", "ours 1p", "shown", value=shown)
        self._report.put("engines", "ours 1p", "build_points_per_second", value=round(built.merged))
        self._report.put("facts", "catch_up_points_per_second", value=round(built.searchable))
        self._report.put("facts", "merged_points_per_second", value=round(built.merged))

    def tune(self) -> None:
        """Find the efforts of our service."""
        self._tune("ours 1p", self.one.recalls())

    def spread(self) -> None:
        """Have the same with two processes, and servers that answer at once."""
        two = self.one.twin("ours-2p", 2)
        self._others.append(two)
        self._report.put("engines", two.name, "shown", value="**2 processes, served**")
        self.one.use(self.ef(LEVELS[0]))
        answer = self.one.an_answer()
        self._report.put("facts", "answer_bytes", value=len(answer))
        for processes in (1, 2):
            ceiling = Ceiling(answer, self.one.dense, processes)
            self._ceilings.append(ceiling)
            shown = f"grpcio answering at once, {processes} process{'es' if processes > 1 else ''}"
            self._report.put("engines", ceiling.name, "shown", value=shown)

    def ef(self, level: float) -> int:
        """Return our service's effort for a level."""
        return self._tuned["ours 1p", level].ef

    def prepare(self, level: float) -> None:
        """Have all engines at a level of recall."""
        for name, peer in list(self._peers.items()):
            try:
                peer.set_ef(self._tuned[name, level].ef)
                (peer.callers(_WARM_SECONDS) or peer.single(_WARM_SECONDS))
            except Exception as error:  # as above
                self._drop(name, error)
        for replica in (self.one, *self._others):
            replica.use(self.ef(level))
            tuned = Tuned(self.ef(level), replica.recall())
            self._report.put("engines", replica.name, str(level), value=asdict(tuned))
            self._report.put("batch_recall", replica.name, str(level), value=replica.recall_in_batches())
        for replica in self._others:
            name = f"memory_of_{replica.processes}_processes_mb"
            self._report.put("facts", name, value=replica.memory.whole >> 20)

    def round(self, level: float) -> None:
        """Measure everything once, and work out the ratios anew."""
        speeds = self._report.content.setdefault("speeds", {}).setdefault(str(level), {})
        for each in self._measurements():
            known = speeds.setdefault(f"{each.engine} {each.kind}", [])
            if each.engine in PEERS and each.engine not in self._peers:
                known.append(None)
                continue
            try:
                speed = each.run(self._seconds)
            except Exception as error:  # as above
                speed = None
                self._drop(each.engine, error)
            known.append(asdict(speed) if speed else None)
        rounds = {
            what: [Speed(**one) if one else None for one in measured] for what, measured in speeds.items()
        }
        self._report.put(_RATIOS[level], value=ratios(rounds))
        over = p50_over(rounds, "ours 1p single", "hnswlib single")
        self._report.put("p50_over_hnswlib_ms", str(level), value=over)

    def leave_one(self) -> None:
        """Stop all but our service with one process."""
        for ceiling in self._ceilings:
            ceiling.close()
        for replica in self._others:
            replica.close()
        self._others, self._ceilings = [], []
        for name in list(self._peers):
            self._peers.pop(name).close()

    def close(self) -> None:
        """Stop everything and delete its files."""
        try:
            self.leave_one()
        finally:
            self.one.close()

    def _open(self, name: str, files: tuple[Path, Path]) -> None:
        peer: Engine
        if name == "pgvector":
            peer = Pgvector(self._data)
        elif name in ("hnswlib", "faiss", "usearch"):
            peer = LibraryPeer(name, files)
        else:
            peer = ServedPeer(name, files)
        self._peers[name] = peer
        self._report.put("engines", name, "shown", value=peer.name)
        rate = round(self._data.size / peer.build())
        self._report.put("engines", name, "build_points_per_second", value=rate)
        self._report.say(f"{name}: tune")
        self._tune(name, recalls_of(peer, self._data.truth))

    def _tune(self, name: str, recalls: Recalls) -> None:
        for level in LEVELS:
            likely = self._tuned.get(("hnswlib", level))
            tuned = recalls.least(level, likely.ef if likely else _NEAR[level])
            self._tuned[name, level] = tuned
            self._report.put("engines", name, str(level), value=asdict(tuned))
        self._report.put("engines", name, "recalls", value=recalls.known)

    def _measurements(self) -> Iterator[_Measurement]:
        # What is compared most closely stands together.
        peers = list(self._peers.items())
        near = [each for each in peers if each[0] == "hnswlib"]
        for name, peer in near:
            yield _Measurement(name, "single", peer.single)
        for replica in (self.one, *self._others):
            yield _Measurement(replica.name, "single", replica.single)
            yield _Measurement(replica.name, "callers", replica.callers)
        for ceiling in self._ceilings:
            yield _Measurement(ceiling.name, "single", ceiling.single)
            yield _Measurement(ceiling.name, "callers", ceiling.callers)
        for name, peer in near:
            yield _Measurement(name, "batch", peer.batch)
        for replica in (self.one, *self._others):
            yield _Measurement(replica.name, "batch", replica.batch)
            yield _Measurement(replica.name, "hybrid", replica.hybrid)
        for name, peer in peers:
            if (name, peer) not in near:
                yield _Measurement(name, "single", peer.single)
                yield _Measurement(name, "callers", peer.callers)
                yield _Measurement(name, "batch", peer.batch)

    def _drop(self, name: str, error: Exception) -> None:
        self._report.say(f"{name} FAILED: {error}")
        self._report.put("missing" if name in PEERS else "failed", name, value=str(error) or repr(error))
        peer = self._peers.pop(name, None)
        if peer is not None:
            peer.close()
