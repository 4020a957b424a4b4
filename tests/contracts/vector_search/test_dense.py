"""The dense indexes keep their contract."""

from services.vector_search.index.dense import DenseIndex
from services.vector_search.index.exact import ExactIndex
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.rows import RowTable
from tests.contracts.vector_search.dense_contract import DenseIndexContract


class TestExact(DenseIndexContract):
    """Comparing with every vector."""

    def covering(self, table: RowTable, rows: int) -> DenseIndex:
        """Return an index; it has nothing to build."""
        return ExactIndex()


class TestHnsw(DenseIndexContract):
    """The graph, grown in two steps."""

    def covering(self, table: RowTable, rows: int) -> DenseIndex:
        """Return an index whose graph has the first rows."""
        index = HnswIndex(table.dimensions, HnswParameters(8, 100, 100))
        half = rows // 2
        index.add(table.slots[:half], table.vectors[:half])
        index.add(table.slots[half:rows], table.vectors[half:rows])
        return index
