from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway.client.client import SupportAgent
from gateway.client.delivery import PushResult, batches
from gateway.client.errors import ClientError
from gateway.client.folder import page_of
from gateway.client.push import Push
from gateway.client.transport import Transport
from tests.fakes.client_api import Answer, FakeApi, problem


class Shown:
    """Notes what a progress bar would show."""

    def __init__(self) -> None:
        self.states: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.states.append((done, total))


def push(api: FakeApi, folder: Path, shown: Shown | None = None) -> PushResult:
    transport = Transport("http://gateway", "k", wire=httpx.MockTransport(api), sleep=lambda _: None)
    workspace = SupportAgent("http://gateway", "k", transport=transport)
    return Push(workspace, sleep=lambda _: None).run(folder, shown or Shown())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n")
    return tmp_path


def test_first_push_creates_and_shows_progress(folder: Path) -> None:
    """All pages are created, and progress ends at all of them."""
    api, shown = FakeApi(), Shown()
    api.polls_until_indexed = 3
    assert push(api, folder, shown) == PushResult(3, 0, 0, ())
    assert shown.states[0] == (0, 3)
    assert shown.states[-1] == (3, 3)
    assert {each["status"] for each in api.documents.values()} == {"indexed"}


def test_second_push_sends_nothing(folder: Path) -> None:
    """Unchanged pages cost one listing and are called unchanged."""
    api = FakeApi()
    push(api, folder)
    api.requests.clear()
    assert push(api, folder) == PushResult(0, 0, 3, ())
    assert {method for method, _, _ in api.requests} == {"GET"}


def test_only_what_changed_is_sent(folder: Path) -> None:
    """A changed page is updated, a new one created, the others are left alone."""
    api = FakeApi()
    push(api, folder)
    (folder / "b.md").write_text("# b\nmore\n")
    (folder / "d.md").write_text("# d\n")
    api.requests.clear()
    assert push(api, folder) == PushResult(1, 1, 2, ())
    (sent,) = [body for method, _, body in api.requests if method == "POST"]
    assert [each["external_id"] for each in sent["documents"]] == ["b.md", "d.md"]


def test_failed_pages_are_named_and_tried_again(folder: Path) -> None:
    """A refused page fails alone; the next push sends a failed document again."""
    api = FakeApi()
    api.refused["b.md"] = ("INVALID_ARGUMENT", "No.")
    result = push(api, folder)
    assert (result.created, len(result.failures)) == (2, 1)
    assert (result.failures[0].external_id, result.failures[0].code) == ("b.md", "INVALID_ARGUMENT")
    api.refused.clear()
    api.documents["a.md"]["status"] = "failed"
    assert push(api, folder).created == 1
    assert api.documents["a.md"]["status"] == "indexed"


def test_push_waits_for_pages_that_an_earlier_one_sent(folder: Path) -> None:
    """A page that is sent already but not in the index yet is waited for, not sent."""
    api, shown = FakeApi(), Shown()
    push(api, folder)
    api.documents["c.md"]["status"] = "queued"
    assert push(api, folder, shown) == PushResult(0, 0, 3, ())
    assert api.documents["c.md"]["status"] == "indexed"
    assert shown.states == [(0, 1), (1, 1)]


def test_what_the_system_finds_unchanged_counts_as_unchanged(folder: Path) -> None:
    """A page that only looked changed from here is reported as the system saw it."""
    api = FakeApi()
    push(api, folder)
    api.documents["a.md"]["status"] = "failed"
    assert push(api, folder) == PushResult(0, 0, 3, ())


def test_page_that_is_too_large_fails_alone(tmp_path: Path) -> None:
    """The largest body is the system's to know; a page beyond it does not stop the others."""
    api = FakeApi()
    (tmp_path / "a.md").write_text("x" * 1_000_000)
    (tmp_path / "b.md").write_text("small")
    api.page_size = 100
    listing: Answer = (200, {"items": [], "next_page_token": ""}, {})
    api.troubles = [listing, problem(413, "BODY_TOO_LARGE", "Too large.")]
    result = push(api, tmp_path)
    assert (result.created, [each.external_id for each in result.failures]) == (1, ["a.md"])


def test_cancelled_operation_is_told(folder: Path) -> None:
    """A push whose operation somebody cancelled does not claim to be done."""
    api = FakeApi()
    api.troubles = [
        (200, {"items": [], "next_page_token": ""}, {}),
        (202, {"id": "op_1", "status": "cancelled"}, {}),
    ]
    with pytest.raises(ClientError, match="op_1 was cancelled"):
        push(api, folder)


def test_unreadable_file_counts_as_failed(tmp_path: Path) -> None:
    """A file that is no text is a failure of its own."""
    (tmp_path / "a.md").write_bytes(b"\xff")
    assert [each.code for each in push(FakeApi(), tmp_path).failures] == ["UNREADABLE"]


def test_batches_are_small_enough() -> None:
    """A batch has at most 100 pages and stays below a MiB unless one page is larger."""
    pages = [page_of(f"{n}.md", "x" * 10) for n in range(250)]
    assert [len(batch) for batch in batches(pages)] == [100, 100, 50]
    large = [page_of(f"{n}.md", "x" * size) for n, size in enumerate((600_000, 600_000, 2_000_000, 10))]
    assert [len(batch) for batch in batches(large)] == [1, 1, 1, 1]


def test_replacement_keeps_what_the_folder_has_no_say_in(folder: Path) -> None:
    """A page that somebody hid or annotated stays so when its file changes."""
    api = FakeApi()
    push(api, folder)
    api.documents["b.md"] |= {"active": False, "metadata": {"owner": "ann"}}
    (folder / "b.md").write_text("# b\nmore\n")
    push(api, folder)
    assert api.documents["b.md"]["active"] is False
    assert api.documents["b.md"]["metadata"] == {"owner": "ann"}
