"""What became of calls to language models, as a metric."""

from prometheus_client import Counter

from services.query.domain.generation.chat import Failure

CALLS = Counter(
    "language_model_calls_total",
    "Calls to workspaces' language models by what became of them.",
    ["task", "outcome"],
)
_USED = "USED"


class CountedOutcomes:
    """Counts in this process's metrics."""

    def ended(self, task: str, failure: Failure | None) -> None:
        """Count one."""
        CALLS.labels(task, _USED if failure is None else failure.value).inc()
