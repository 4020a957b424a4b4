"""
The embedding model by itself, in a process of its own that gives way as the indexer does.

It reads a JSON list of texts per line, and writes the seconds that their vectors took.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice

from services.embedding.provider import open_embedder
from services.embedding.settings import load_embedding_settings

# As many as the indexer gives the model at once.
_AT_ONCE = 64


class BareModel:
    """The process, from `with` to its end."""

    def __init__(self, niceness: int, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", __name__, str(niceness)]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "BareModel":
        """Have it warm."""
        self.seconds(["Warm."])
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.communicate()

    def seconds(self, texts: Sequence[str]) -> float:
        """Return how long it takes for the vectors of these texts."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(texts)) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def main() -> None:
    """Work until nothing more is wanted."""
    os.nice(int(sys.argv[1]))
    embedder = open_embedder(load_embedding_settings())
    for line in sys.stdin:
        wanted = iter(json.loads(line))
        began = time.perf_counter()
        while batch := list(islice(wanted, _AT_ONCE)):
            embedder.embed_passages(batch)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
