"""
`python -m services.knowledge.extraction PARENT_PID MEMORY_BYTES SECONDS SECONDS_PER_MEBIBYTE`.

The process in which contents are read: the indexer starts it, asks it over its standard input and output, and
replaces it when it fails.
"""

import os
import sys

from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction import wire
from services.knowledge.extraction.confinement import allow_seconds, confine
from services.knowledge.extraction.extractor import extract
from services.knowledge.extraction.warm_up import warm_up

_MEBIBYTE = 1024 * 1024
_TOO_LARGE = IndexingFailed("EXTRACTION_TOO_LARGE", "Reading it takes more memory than a document may take.")
_FAILED = IndexingFailed("EXTRACTION_FAILED", "The content can't be read as what its content_type says.")


def main() -> None:
    """Answer until the pipe is closed."""
    parent, memory = int(sys.argv[1]), int(sys.argv[2])
    seconds, seconds_per_mebibyte = float(sys.argv[3]), float(sys.argv[4])
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a library prints must not get among the answers.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    warm_up()
    confine(parent, memory)
    wire.write_ready(answers)
    while (request := wire.read_request(requests)) is not None:
        content, content_type = request
        allow_seconds(seconds + seconds_per_mebibyte * len(content) / _MEBIBYTE)
        try:
            wire.write_blocks(answers, extract(content, content_type))
        except IndexingFailed as failure:
            wire.write_failure(answers, failure)
        except MemoryError as error:
            # What its frames hold is given up first, for there to be room for the answer.
            error.__traceback__ = None
            wire.write_failure(answers, _TOO_LARGE)
        except Exception:
            # A fault of a library; its text may hold the document's.
            wire.write_failure(answers, _FAILED)


if __name__ == "__main__":
    main()
