"""The process in which contents are read: what it may do, and what its end means."""

import io
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from services.kernel.errors import Unavailable
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction import wire
from services.knowledge.extraction.extractor import extract
from services.knowledge.indexer.extraction_process import (
    ExtractionLimits,
    ExtractionProcess,
    ExtractionStopped,
)
from tests.formats import ENCRYPTED_DOCX, ENCRYPTED_PDF, Text, docx, paragraph, pdf, word_table

LIMITS = ExtractionLimits(seconds=1.0, seconds_per_mebibyte=0.0)
ENDLESS = b"<div>" * 200_000
FILES = {
    ContentType.MARKDOWN: b"# Plans\n\nThey renew.\n\n- a\n- b\n\n| c | d |\n| - | - |\n| e | f |\n",
    ContentType.PLAIN: "Ünïcode.\n\nMore.".encode(),
    ContentType.HTML: b"<h1>Plans</h1><p>They <b>renew</b>.<pre>x</pre>",
    ContentType.PDF: pdf([[Text("Plans", y=780, size=20), Text("They renew.", y=750)]]),
    ContentType.DOCX: docx(paragraph("Plans", "heading1") + word_table([["a", "b"], ["c", "d"]])),
}


@pytest.fixture
def process() -> Iterator[ExtractionProcess]:
    extraction = ExtractionProcess(LIMITS)
    yield extraction
    extraction.close()


def children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [each for each in found if "services.knowledge.extraction" in each.cmdline()]


def failure(process: ExtractionProcess, content: bytes, content_type: ContentType) -> str:
    with pytest.raises(IndexingFailed) as caught:
        process.extract(content, content_type)
    return caught.value.code


@pytest.mark.parametrize("content_type", FILES)
def test_it_reads_every_format(process: ExtractionProcess, content_type: ContentType) -> None:
    """Behind its walls it finds what is found without them."""
    content = FILES[content_type]
    assert process.extract(content, content_type) == extract(content, content_type) != []


def test_failures_are_told_by_their_reason(process: ExtractionProcess) -> None:
    """A document that can't be read leaves the process as it was."""
    process.start()
    (before,) = children()
    assert failure(process, b"x", ContentType.PDF) == "EXTRACTION_FAILED"
    assert failure(process, b"\xff", ContentType.PLAIN) == "EXTRACTION_FAILED"
    assert failure(process, ENCRYPTED_PDF, ContentType.PDF) == "ENCRYPTED_DOCUMENT"
    assert failure(process, ENCRYPTED_DOCX, ContentType.DOCX) == "ENCRYPTED_DOCUMENT"
    assert children() == [before]


def test_what_takes_too_long_is_killed(process: ExtractionProcess) -> None:
    """An endless document costs its own time; the next one is read by another process."""
    assert failure(process, ENDLESS, ContentType.HTML) == "EXTRACTION_TIMEOUT"
    assert process.extract(b"after", ContentType.PLAIN)


def test_who_ignores_the_clock_is_killed_all_the_same() -> None:
    """The indexer counts the time, too: a process that was taken over can't do without."""
    extraction = ExtractionProcess(replace(LIMITS, seconds=0.2))
    extraction.start()
    (child,) = children()
    child.suspend()
    assert failure(extraction, b"x", ContentType.PLAIN) == "EXTRACTION_TIMEOUT"
    extraction.close()


def test_what_takes_too_much_memory_fails() -> None:
    """Memory has a bound; the next document is read by another process."""
    extraction = ExtractionProcess(ExtractionLimits(memory=160 * 1024 * 1024))
    big = docx(paragraph("word " * 20) * 60_000)
    assert failure(extraction, big, ContentType.DOCX) == "EXTRACTION_TOO_LARGE"
    assert extraction.extract(b"after", ContentType.PLAIN)
    extraction.close()


def test_what_makes_too_much_of_itself_fails(process: ExtractionProcess) -> None:
    """More pieces than any document has are not handed over."""
    assert failure(process, b"a\n\n" * 60_000, ContentType.PLAIN) == "EXTRACTION_TOO_LARGE"


def test_it_does_not_grow_old(process: ExtractionProcess) -> None:
    """After a thousand documents another process reads: what libraries leak has a bound."""
    process.start()
    (before,) = children()
    for _ in range(1000):
        process.extract(b"x", ContentType.PLAIN)
    assert before not in children()
    assert process.extract(b"x", ContentType.PLAIN)


def test_no_document_pays_for_another(process: ExtractionProcess) -> None:
    """Who leaves much in memory is the last one that its process reads."""
    process.start()
    (before,) = children()
    roomy = ExtractionProcess(ExtractionLimits(memory=160 * 1024 * 1024))
    assert roomy.extract(b"- a\n" * 15_000, ContentType.MARKDOWN)
    assert children() == [before]
    assert roomy.extract(b"after", ContentType.PLAIN)
    roomy.close()


def test_a_kill_from_outside_is_not_the_documents_fault(process: ExtractionProcess) -> None:
    """In want of memory, the system may have killed it: the document is tried again."""
    process.start()
    (child,) = children()
    child.suspend()
    killer = threading.Timer(0.2, child.kill)
    killer.start()
    with pytest.raises(ExtractionStopped):
        process.extract(b"x", ContentType.PLAIN)
    killer.join()
    assert process.extract(b"x", ContentType.PLAIN)


def test_an_answer_that_is_none_is_the_documents_fault(process: ExtractionProcess) -> None:
    """What talks nonsense and lives on was taken over by what it read, not killed from outside."""
    process.start()
    (child,) = children()
    child.suspend()
    files = [each for each in Path(f"/proc/{child.pid}/fd").iterdir() if int(each.name) > 2]
    (answers,) = [each for each in files if str(each.readlink()).startswith("pipe:")]
    with answers.open("wb") as pipe:
        pipe.write(b"\xff" * 4)
    assert failure(process, b"x", ContentType.PLAIN) == "EXTRACTION_FAILED"
    assert children() == []


def test_a_crash_is_the_documents_fault(process: ExtractionProcess) -> None:
    """Who breaks the program that reads it would break it again."""
    process.start()
    (child,) = children()
    child.suspend()

    def crash() -> None:
        child.send_signal(signal.SIGSEGV)
        # A stopped process takes the signal when it goes on, if it has not done so already.
        with suppress(psutil.NoSuchProcess):
            child.resume()

    breaker = threading.Timer(0.2, crash)
    breaker.start()
    assert failure(process, b"x", ContentType.PLAIN) == "EXTRACTION_FAILED"
    breaker.join()


def test_closing_gives_back_what_is_being_read(process: ExtractionProcess) -> None:
    """A document that takes long does not hold up the end; it is not at fault, either."""
    extraction = ExtractionProcess(ExtractionLimits(seconds=60))
    extraction.start()
    closer = threading.Timer(0.3, extraction.close)
    closer.start()
    with pytest.raises(Unavailable):
        extraction.extract(ENDLESS, ContentType.HTML)
    closer.join()
    with pytest.raises(Unavailable):
        extraction.extract(b"x", ContentType.PLAIN)
    assert children() == []


def test_it_dies_with_its_indexer() -> None:
    """A killed indexer leaves nothing behind."""
    code = (
        "from services.knowledge.indexer.extraction_process import ExtractionProcess\n"
        "import time\nE = ExtractionProcess()\nE.start()\nprint('up', flush=True)\ntime.sleep(60)\n"
    )
    indexer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert indexer.stdout is not None
    assert indexer.stdout.readline() == b"up\n"
    (child,) = psutil.Process(indexer.pid).children()
    indexer.kill()
    indexer.wait()
    indexer.stdout.close()
    assert psutil.wait_procs([child], timeout=10)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="The walls are Linux'.")
def test_it_has_nothing_of_the_indexer(process: ExtractionProcess) -> None:
    """No environment, no file, no socket, no thread of its own."""
    os.environ["INDEXER_DATABASE_URL"] = "secret"
    try:
        process.start()
    finally:
        del os.environ["INDEXER_DATABASE_URL"]
    (child,) = children()
    assert set(child.environ()) <= {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}
    assert child.num_threads() == 1
    assert child.net_connections() == []
    lines = Path(f"/proc/{child.pid}/limits").read_text().splitlines()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    for name in ("Max open files", "Max file size", "Max processes", "Max core file size"):
        assert limits[name] == ["0", "0"]
    assert limits["Max address space"] == [str(LIMITS.memory)] * 2
    assert child.uids().effective != 0


RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
    'Id="s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" '
    'Target="{url}" TargetMode="External"/></Relationships>'
)
FORBIDDEN = {
    "a file": "open('/etc/hostname')",
    "a socket": "import socket; socket.socket()",
    "a host's name": "import socket; socket.getaddrinfo(b'localhost', 80)",
    "a process": "import subprocess; subprocess.run(['true'])",
    "a fork": "import os; os.fork()",
    "a folder": "import os; os.listdir('/')",
}


@pytest.mark.parametrize("code", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_walls_hold(code: str) -> None:
    """Python that reaches for the world is refused, whatever library asks."""
    given = f"""
import os, socket, subprocess
from services.knowledge.extraction.confinement import Refused, confine
confine(os.getppid(), 1 << 30)
try:
    exec({code!r})
except Refused:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", given], capture_output=True, text=True, check=False)
    assert done.stdout == "refused\n", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="The walls are Linux'.")
def test_the_walls_hold_without_python() -> None:
    """Code that does without Python's own calls gets no file and no socket either."""
    given = """
import ctypes, os
from services.knowledge.extraction.confinement import confine
libc = ctypes.CDLL(None, use_errno=True)
confine(os.getppid(), 1 << 30)
print(libc.open(b"/etc/hostname", 0), libc.socket(2, 1, 0), libc.fork())
"""
    done = subprocess.run([sys.executable, "-c", given], capture_output=True, text=True, check=False)
    opened, connected, forked = done.stdout.split()
    assert (opened, connected) == ("-1", "-1")
    assert forked == "-1"


def test_documents_ask_nobody(process: ExtractionProcess) -> None:
    """Addresses in documents of every kind are asked by nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        page = f"<link rel=stylesheet href={url}><img src={url}><iframe src={url}></iframe><p>Text."
        outside = RELATIONSHIPS.format(url=url)
        entity = f'<!DOCTYPE x SYSTEM "{url}" [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>'
        action = f"/OpenAction<</S/URI/URI({url})>>"
        assert process.extract(page.encode(), ContentType.HTML)
        assert process.extract(f"![x]({url}) <img src={url}>".encode(), ContentType.MARKDOWN)
        assert process.extract(
            docx(paragraph("x"), {"word/_rels/document.xml.rels": outside}), ContentType.DOCX
        )
        assert failure(process, docx("", {"word/document.xml": entity}), ContentType.DOCX)
        assert process.extract(pdf([[Text("x")]], trailer=action), ContentType.PDF)
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\5b",
        struct.pack(">I", 8) + b"b" + struct.pack(">BBI", 9, 0, 0) + b"x",
        struct.pack(">I", 7) + b"b" + struct.pack(">BBI", 0, 7, 0),
        struct.pack(">I", 7) + b"b" + struct.pack(">BBI", 1, 0, 99),
        struct.pack(">I", 8) + b"b" + struct.pack(">BBI", 1, 0, 1) + b"\xff",
        struct.pack(">I", 7) + b"fX\0yyyy",
        struct.pack(">I", 20) + b"fEXTRACTION_FAILED\0\n",
    ],
)
def test_answers_are_not_believed(answer: bytes) -> None:
    """What does not keep to the form is no answer, however it was made."""
    read, write = os.pipe()
    os.write(write, answer)
    os.close(write)
    with os.fdopen(read, "rb") as stream, pytest.raises(wire.Garbled):
        wire.read_answer(stream)


@pytest.mark.parametrize(
    "body",
    [
        struct.pack(">BBI", 1, 0, 0) * (wire.MAX_BLOCKS + 1),
        struct.pack(">BBI", 1, 0, 2 * wire.MAX_TEXT_BYTES) + bytes(2 * wire.MAX_TEXT_BYTES),
    ],
    ids=["blocks", "bytes"],
)
def test_answers_have_bounds(body: bytes) -> None:
    """More than the process may send is not taken, although it keeps to the form."""
    message = b"b" + body
    with pytest.raises(wire.Garbled):
        wire.read_answer(io.BytesIO(struct.pack(">I", len(message)) + message))
