"""Vectors in a file, read through the page cache instead of being held in memory."""

import hashlib
import mmap
import os
from pathlib import Path

import numpy as np

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.vectors import FloatMatrix

_VALUE = np.dtype("<f4")
_LEAST_ROWS = 1024
_BLOCK = 1 << 20


class VectorFile:
    """
    The stored vectors port over one file: rows of little-endian float32, one after the other.

    Written with `pwrite`, so that a full disk is an error and no signal, and read through a shared mapping
    that is longer than what is written. The system counts mapped pages as the process's own: `release` gives
    them back, and they stay in the page cache. The file is only cut or closed where no mapping reads it.
    """

    def __init__(self, path: Path, dimensions: int) -> None:
        """Open the file, made where it is missing, as one without rows; `take` tells it of those it has."""
        self.path = path
        self.rows = 0
        self._row_bytes = dimensions * _VALUE.itemsize
        self._shape = (-1, dimensions)
        self._digest = hashlib.sha256()
        # Not the mode that appends: it writes at the end, wherever one wants to.
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
        self._capacity = 0
        self._map: mmap.mmap | None = None
        self._matrix: FloatMatrix = np.empty((0, dimensions), dtype=np.float32)

    @property
    def matrix(self) -> FloatMatrix:
        """All rows; a view of the file."""
        return self._matrix

    @property
    def memory_bytes(self) -> int:
        """None: the page cache is the system's."""
        return 0

    @property
    def bytes(self) -> int:
        """Length of what is written."""
        return self.rows * self._row_bytes

    @property
    def sha256(self) -> str:
        """Checksum of what is written."""
        return self._digest.hexdigest()

    def take(self, size: int, sha256: str) -> None:
        """
        Take the first `size` bytes that are there already, and cut off what follows them.

        Raises:
            ValueError: they are not whole rows, or not as they were written.
        """
        if size % self._row_bytes or os.fstat(self._file.fileno()).st_size < size:
            raise ValueError("the vectors are cut off")
        buffer = bytearray(_BLOCK)
        for start in range(0, size, _BLOCK):
            part = memoryview(buffer)[: min(_BLOCK, size - start)]
            if os.preadv(self._file.fileno(), [part], start) != len(part):
                raise ValueError("the vectors are cut off")
            self._digest.update(part)
        if self.sha256 != sha256:
            raise ValueError("the vectors do not fit their checksum")
        os.ftruncate(self._file.fileno(), size)
        self.rows = size // self._row_bytes
        self._view()

    def append(self, vectors: FloatMatrix) -> None:
        """Add rows at the end. Raises StoreUnavailable."""
        raw = memoryview(vectors.astype(_VALUE, copy=False).tobytes())
        try:
            written = 0
            while written < len(raw):
                written += os.pwrite(self._file.fileno(), raw[written:], self.bytes + written)
            self._digest.update(raw)
            self.rows += len(vectors)
            self._view()
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    def release(self) -> None:
        """Take the pages that were read out of the process."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)

    def flush(self) -> None:
        """Have everything on disk. Raises OSError."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file; views of it stay readable."""
        self._file.close()

    def _view(self) -> None:
        if self.rows > self._capacity:
            # The mapping before this one lives as long as somebody reads through it.
            self._capacity = max(self.rows * 3 // 2, _LEAST_ROWS)
            size = self._capacity * self._row_bytes
            os.ftruncate(self._file.fileno(), size)
            self._map = mmap.mmap(self._file.fileno(), size, prot=mmap.PROT_READ)
        if self._map is not None:
            whole = np.frombuffer(self._map, dtype=_VALUE, count=self.bytes // _VALUE.itemsize)
            self._matrix = whole.reshape(self._shape)
