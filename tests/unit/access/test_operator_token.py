"""The operator's token file."""

import threading
from pathlib import Path

import pytest

from gateway.access.storage.operator_token import OperatorTokenError, read_or_create


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """A missing file is made with mode 0600 and 256 random bits, and nothing else is left beside it."""
    path = tmp_path / "data" / "operator.token"
    token = read_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(token) >= 43
    assert list(path.parent.iterdir()) == [path]


def test_the_token_stays(tmp_path: Path) -> None:
    """A second start reads what the first one made; two installations differ."""
    path = tmp_path / "operator.token"
    assert read_or_create(path) == read_or_create(path)
    assert read_or_create(path) != read_or_create(tmp_path / "other.token")


def test_a_given_token_is_taken(tmp_path: Path) -> None:
    """A file that somebody else made (a mounted secret) is read, but for the white space around it."""
    path = tmp_path / "operator.token"
    path.write_text("  " + "s" * 40 + "\n")
    assert read_or_create(path) == "s" * 40


@pytest.mark.parametrize("text", ["", "\n", "short"])
def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path, text: str) -> None:
    """An empty or a short token stops the process, instead of opening the operator's routes."""
    path = tmp_path / "operator.token"
    path.write_text(text)
    with pytest.raises(OperatorTokenError):
        read_or_create(path)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Whoever makes the file first, all read the same token."""
    path = tmp_path / "operator.token"
    start, tokens = threading.Barrier(8), list[str]()

    def run() -> None:
        start.wait()
        tokens.append(read_or_create(path))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1
