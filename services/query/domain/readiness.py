"""Whether a question could be answered now."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from services.kernel.errors import DomainError, Unavailable
from services.query.domain.ports import Dependency, QuestionEmbedder

READY, DEGRADED = "ready", "degraded"


class EmbedderDependency:
    """A `Dependency`: the model that questions are embedded with."""

    def __init__(self, embedder: QuestionEmbedder) -> None:
        self._embedder = embedder

    def ready(self) -> bool:
        """Tell whether it embeds."""
        try:
            self._embedder.embed_query(READY)
        except DomainError:
            return False
        return True


class Readiness:
    """Asks the parts that an answer needs, and those that it is better with."""

    def __init__(self, needed: Mapping[str, Dependency], helpful: Mapping[str, Dependency]) -> None:
        self._needed = dict(needed)
        self._helpful = dict(helpful)

    def check(self) -> dict[str, str]:
        """
        Return the state of each part by name: ready, or degraded where answers go on without it.

        Raises:
            Unavailable: a part that every answer needs is not ready; the detail names all of those.
        """
        every = {**self._needed, **self._helpful}
        if not every:
            return {}
        with ThreadPoolExecutor(max_workers=len(every)) as pool:
            well = dict(zip(every, pool.map(lambda part: part.ready(), every.values()), strict=True))
        missing = [name for name in self._needed if not well[name]]
        if missing:
            raise Unavailable(f"Not ready: {', '.join(missing)}.")
        return {name: READY if fine else DEGRADED for name, fine in well.items()}
