from __future__ import annotations

import os
from pathlib import Path

from deploy.local.log_file import LogFile


def test_large_log_is_moved_aside_while_it_is_written(tmp_path: Path) -> None:
    """A log beyond its limit is kept as one older piece; the writer goes on in an empty file."""
    log = LogFile(tmp_path / "a.log", largest=10)
    writer = log.open()
    os.write(writer, b"0123456789\n")
    log.trim()
    os.write(writer, b"next\n")
    os.close(writer)
    assert (tmp_path / "a.log").read_text() == "next\n"
    assert (tmp_path / "a.log.1").read_text() == "0123456789\n"


def test_log_is_appended_over_restarts(tmp_path: Path) -> None:
    """A restarted process goes on in the same file; the tail is its last lines."""
    log = LogFile(tmp_path / "a.log")
    assert log.tail() == ""
    for line in (b"one\n", b"two\n", b"three\n"):
        writer = log.open()
        os.write(writer, line)
        os.close(writer)
    assert log.tail(2) == "two\nthree"
