from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway.client.client import SupportAgent
from gateway.client.errors import ClientError
from gateway.client.folder import Page, Unreadable
from gateway.client.sync.difference import difference
from gateway.client.sync.source import Folder
from gateway.client.sync.sync import MARK, Sync, SyncResult
from gateway.client.transport import Transport
from tests.fakes.client_api import FakeApi


class Pages:
    """A source in memory."""

    def __init__(self, name: str = "site", *pages: Page | Unreadable) -> None:
        self.name = name
        self.pages = list(pages)

    def read(self) -> list[Page | Unreadable]:
        return self.pages


def page(name: str, content: str = "text", title: str = "Title") -> Page:
    return Page(name, title, content, "text/plain")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def sync(api: FakeApi, source: Pages | Folder, *, force: bool = False) -> SyncResult:
    work = Sync(workspace(api), source, sleep=lambda _: None)
    return work.run(work.plan(), lambda done, total: None, force=force)


def workspace(api: FakeApi) -> SupportAgent:
    transport = Transport("http://gateway", "k", wire=httpx.MockTransport(api), sleep=lambda _: None)
    return SupportAgent("http://gateway", "k", transport=transport)


def test_creates_updates_and_deletes_what_vanished(api: FakeApi) -> None:
    """After a sync the workspace has what the source has."""
    assert sync(api, Pages("site", page("a"), page("b"), page("c"))) == SyncResult(3, 0, 0, 0, ())
    assert sync(api, Pages("site", page("a"), page("b", "other"))) == SyncResult(0, 1, 1, 1, ())
    assert set(api.documents) == {"a", "b"}
    assert sync(api, Pages("site", page("a"), page("b", "other"))) == SyncResult(0, 0, 2, 0, ())


def test_other_peoples_documents_stay(api: FakeApi) -> None:
    """What the source never had is not deleted: neither pushed by hand, nor by another source."""
    workspace(api).upsert_documents([page("by hand").as_document()])
    sync(api, Pages("other", page("theirs")))
    sync(api, Pages("site", page("mine")))
    assert sync(api, Pages("site")).deleted == 1
    assert set(api.documents) == {"by hand", "theirs"}


def test_another_sources_document_is_not_taken_over(api: FakeApi) -> None:
    """Two sources with one name for a page: the second is told so, the first keeps it."""
    sync(api, Pages("other", page("a", "theirs")))
    (failure,) = sync(api, Pages("site", page("a", "mine"))).failures
    assert failure.code == "OTHER_SOURCE"
    assert api.documents["a"]["metadata"] == {MARK: "other"}


def test_a_document_made_by_hand_is_taken_over(api: FakeApi) -> None:
    """A page that was pushed before is the source's from now on, with its other metadata."""
    workspace(api).upsert_documents([{**page("a").as_document(), "metadata": {"team": "x"}}])
    assert sync(api, Pages("site", page("a"))).updated == 1
    assert api.documents["a"]["metadata"] == {"team": "x", MARK: "site"}


def test_what_cannot_be_read_has_not_vanished(api: FakeApi) -> None:
    """A page that fails for now keeps its document."""
    sync(api, Pages("site", page("a"), page("b")))
    result = sync(api, Pages("site", page("a"), Unreadable("b", "It answers with 503.")))
    assert (result.deleted, [each.external_id for each in result.failures]) == (0, ["b"])
    assert set(api.documents) == {"a", "b"}


def test_a_source_that_lost_most_is_not_believed(api: FakeApi) -> None:
    """More than half of many documents are deleted only by force; nothing else is done either."""
    sync(api, Pages("site", *(page(str(number)) for number in range(30))))
    with pytest.raises(ClientError, match="29 of 30"):
        sync(api, Pages("site", page("0"), page("new")))
    assert len(api.documents) == 30
    assert "new" not in api.documents
    assert sync(api, Pages("site", page("0")), force=True).deleted == 29


def test_a_document_that_somebody_else_deleted_is_no_error(api: FakeApi) -> None:
    """Between plan and deletion a document may vanish by itself."""
    sync(api, Pages("site", page("a"), page("b")))
    work = Sync(workspace(api), Pages("site", page("a")), sleep=lambda _: None)
    plan = work.plan()
    del api.documents["b"]
    assert work.run(plan, lambda done, total: None).deleted == 0


def test_the_difference_is_shown_and_changes_nothing(api: FakeApi) -> None:
    """A dry run tells what would be created, changed and deleted, with the lines of a changed text."""
    sync(api, Pages("site", page("a", "one\ntwo"), page("b"), page("c")))
    api.documents["a"]["content"] = "one\ntwo"
    api.documents["e"] = {**api.documents["b"], "external_id": "e", "id": "doc_e", "metadata": {}}
    before = dict(api.documents)
    source = Pages("site", page("a", "one\nthree"), page("b", title="New"), page("d"), page("e"))
    plan = Sync(workspace(api), source).plan()
    assert list(difference(plan, workspace(api).document)) == [
        "+ d  Title",
        "~ a  content",
        "    @@ -1,2 +1,2 @@",
        "     one",
        "    -two",
        "    +three",
        "~ b  title",
        "~ e  source",
        "- c  Title",
    ]
    assert api.documents == before


def test_a_folder_is_a_source_by_its_name(api: FakeApi, tmp_path: Path) -> None:
    """A folder's documents are marked with its name, wherever it lies."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A")
    assert sync(api, Folder(folder)).created == 1
    assert api.documents["a.md"]["metadata"] == {MARK: "docs"}
    (folder / "a.md").unlink()
    assert sync(api, Folder(folder)).deleted == 1
