"""What only our own service is asked: filters, starts, memory, writes while it is searched."""

import statistics
from collections.abc import Callable

from tests.bench.data import DIMENSIONS
from tests.bench.ours import Memory
from tests.bench.replica import Replica
from tests.bench.report import Report

# Of one point in the graph: its links on the lowest level (2 × M of 4 bytes) and its share of the rest.
_LINK_BYTES = 2 * 16 * 4 + 48


def least_bytes(points: int) -> int:
    """Return what vectors and links of so many points take."""
    return points * (DIMENSIONS * 4 + _LINK_BYTES)


class Facts:
    """Every step puts what it finds into the report."""

    def __init__(self, replica: Replica, report: Report, rounds: int, seconds: float) -> None:
        self._replica = replica
        self._report = report
        self._rounds = rounds
        self._seconds = seconds

    def filters(self, level: float, ef: int) -> float:
        """Measure every filter beside no filter; return the least ratio."""
        replica = self._replica
        replica.use(ef)
        filters = replica.filters()
        recalls = replica.recalls_within(filters)
        ratios: dict[str, list[float]] = {label: [] for label in filters}
        for _ in range(self._rounds):
            plain = replica.callers(self._seconds).qps
            for label, bodies in filters.items():
                ratios[label].append(replica.within(bodies, self._seconds).qps / plain)
        found = {label: round(statistics.median(each), 3) for label, each in ratios.items()}
        for label, ratio in found.items():
            value = {"recall": round(recalls[label], 4), "to_unfiltered": ratio}
            self._report.put("filters", str(level), label, value=value)
        return min(found.values())

    def chosen(self, level: float) -> None:
        """See which effort the service chooses by itself, and what it reaches."""
        tuned, true = self._replica.chosen(level)
        value = {
            "calibrated_ef": tuned.ef,
            "calibrated_recall_told": round(tuned.recall, 4),
            "calibrated_recall_true": round(true, 4),
        }
        self._report.put("calibrated", str(level), value=value)

    def starts(self, ef: int) -> None:
        """Start from snapshots: until health says so, and until the first answer."""
        starts = self._replica.starts(ef)
        self._put("start_serving_seconds", round(statistics.median(one for one, _ in starts), 2))
        self._put("start_first_answer_seconds", round(statistics.median(other for _, other in starts), 2))

    def memory(self, ef: int, points: int) -> None:
        """See what one process holds after it was searched."""
        self._replica.use(ef)
        self._put_memory(self._replica.memory, points)

    def writing(self, ef: int) -> None:
        """Search while 300 points a second are written."""
        self._replica.use(ef)
        pairs = [self._replica.while_writing(self._seconds * 2) for _ in range(self._rounds)]
        rest, busy = [one for one, _ in pairs], [other for _, other in pairs]
        self._put("p99_ms_idle", round(statistics.median(each.p99_ms for each in rest), 2))
        self._put("p99_ms_writing", round(statistics.median(each.p99_ms for each in busy), 2))
        ratio = statistics.median(other.p99_ms / one.p99_ms for one, other in pairs)
        self._put("p99_writing_to_idle", round(ratio, 2))
        slower = statistics.median(other.qps / one.qps for one, other in pairs)
        self._put("qps_writing_to_idle", round(slower, 2))

    def replacement(self, ef: int) -> None:
        """Give half of the points other vectors."""
        self._replica.use(ef)
        rate, recall = self._replica.replace_half()
        self._put("replace_points_per_second", round(rate))
        self._put("recall_after_half_replaced", round(recall, 4))

    def steps(self, efs: dict[float, int], points: int) -> list[tuple[str, Callable[[], None]]]:
        """Return what is measured without peers, in this order: the last two change the points."""
        first = min(efs)

        def choose(level: float) -> Callable[[], None]:
            return lambda: self.chosen(level)

        return [
            *((f"ours: its own choice for recall {level}", choose(level)) for level in efs),
            ("ours: starts from snapshots", lambda: self.starts(efs[first])),
            ("ours: memory", lambda: self.memory(efs[first], points)),
            ("ours: searched while 300 points/s are written", lambda: self.writing(efs[first])),
            ("ours: half of the points replaced", lambda: self.replacement(efs[first])),
        ]

    def _put_memory(self, memory: Memory, points: int) -> None:
        least = least_bytes(points)
        self._put("memory_mb", memory.whole >> 20)
        self._put("memory_anonymous_mb", memory.anonymous >> 20)
        self._put("vectors_and_links_mb", least >> 20)
        self._put("memory_to_vectors_and_links", round(memory.whole / least, 3))
        self._put("anonymous_to_vectors_and_links", round(memory.anonymous / least, 3))

    def _put(self, name: str, value: float) -> None:
        self._report.put("facts", name, value=value)
