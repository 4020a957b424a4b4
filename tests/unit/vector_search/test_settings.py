"""Settings of the vector search process."""

from pathlib import Path

import pytest

from services.runtime.settings import SettingsError, load
from services.vector_search.settings import VectorSearchSettings

NEEDED = {
    "VECTOR_SEARCH_LISTEN": "127.0.0.1:1",
    "VECTOR_SEARCH_DATA_DIR": "data",
    "VECTOR_SEARCH_KNOWLEDGE_TARGET": "127.0.0.1:2",
}


def settings(**more: str) -> VectorSearchSettings:
    """Read settings from an environment."""
    named = {f"VECTOR_SEARCH_{name}": value for name, value in more.items()}
    return load(VectorSearchSettings, "VECTOR_SEARCH_", {**NEEDED, **named})


@pytest.mark.parametrize(
    ("name", "value"),
    [("TARGET_RECALL", "0"), ("TARGET_RECALL", "1.01"), ("PROCESSES", "0"), ("BATCH_THREADS", "0")],
)
def test_senseless_values_are_refused(name: str, value: str) -> None:
    """The process ends at its start, not at its first search."""
    with pytest.raises(SettingsError):
        settings(**{name: value})


def test_processes_share_nothing_but_the_port() -> None:
    """Each has its own files, metrics and part of the memory; the first keeps the files of one alone."""
    several = settings(PROCESSES="2", MEMORY_MB="1000", METRICS_PORT="9000")
    first, second = several.of_process(0), several.of_process(1)
    assert (first.data_dir, second.data_dir) == (Path("data"), Path("data/process-1"))
    assert (first.metrics_port, second.metrics_port) == (9000, 9001)
    assert (first.memory_mb, second.memory_mb, second.listen) == (500, 500, several.listen)
    assert settings(METRICS_PORT="9000").of_process(0).metrics_port == 9000


def test_settings_reach_the_index() -> None:
    """What is set is how collections are searched."""
    index = settings(
        TARGET_RECALL="0.99", HNSW_EF="77", BATCH_THREADS="4", PAYLOAD_CACHE_MB="2"
    ).collections()
    assert (index.target_recall, index.fixed_ef, index.hnsw.batch_threads) == (0.99, 77, 4)
    assert index.build_threads == 4
    assert index.payload_cache_bytes == 2 << 20
