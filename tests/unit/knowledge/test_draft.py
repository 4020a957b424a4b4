"""The rules for what callers say of a document."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from services.kernel.errors import InvalidArgument
from services.knowledge.domain.document import Audience, ContentType, Description
from services.knowledge.domain.draft import MAX_CONTENT_BYTES, Said, check_external_id, draft, patch

SAID = Said(title="Renewal", content="Text.")


def refused(said: Said) -> list[str]:
    with pytest.raises(InvalidArgument) as caught:
        draft(said)
    return [each.pointer for each in caught.value.violations]


def test_defaults() -> None:
    """What is left out is Markdown, public and active."""
    made = draft(SAID)
    assert made.content == b"Text."
    description = made.description
    assert description.content_type is ContentType.MARKDOWN
    assert description.audience is Audience.PUBLIC
    assert description.active


def test_all_violations_at_once() -> None:
    """Each broken rule is named by its pointer."""
    said = Said(
        external_id="a\x00",
        title=" ",
        content=None,
        content_type="image/png",
        url="ftp://example.com",
        tags=("fine", "", "x" * 65),
        locale="english!",
        audience="everybody",
        metadata={"k/~": "x" * 513},
    )
    assert refused(said) == [
        "/external_id",
        "/title",
        "/content_type",
        "/url",
        "/tags/1",
        "/tags/2",
        "/locale",
        "/audience",
        "/metadata/k~1~0",
        "/content",
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"title": "x" * 501}, "/title"),
        ({"title": "a\x00b"}, "/title"),
        ({"external_id": "x" * 513}, "/external_id"),
        ({"external_id": "line\u2028separator"}, "/external_id"),
        ({"url": "https://example.com/" + "x" * 2048}, "/url"),
        ({"url": "https://"}, "/url"),
        ({"url": "https://[::1"}, "/url"),
        ({"url": "/relative"}, "/url"),
        ({"tags": tuple(str(n) for n in range(51))}, "/tags"),
        ({"tags": ("a\nb",)}, "/tags/0"),
        ({"metadata": {str(n): "" for n in range(17)}}, "/metadata"),
        ({"metadata": {"": "v"}}, "/metadata"),
        ({"metadata": {"k" * 65: "v"}}, "/metadata"),
        ({"metadata": {"k": "a\x00"}}, "/metadata/k"),
        ({"content_base64": "VGV4dA=="}, "/content_base64"),
        ({"content": None, "content_base64": "not base64"}, "/content_base64"),
        ({"content": None, "content_base64": "/w=="}, "/content_base64"),
        ({"content": None, "content_base64": "é"}, "/content_base64"),
        ({"content": "x" * (MAX_CONTENT_BYTES + 1)}, "/content"),
    ],
)
def test_refused(changes: dict[str, Any], pointer: str) -> None:
    """One broken rule is one violation at its field."""
    assert refused(replace(SAID, **changes)) == [pointer]


def test_accepted_at_the_limits() -> None:
    """The limits themselves are allowed, and so is any printable character."""
    said = Said(
        external_id="guides/über uns/价格?.md#a" + "x" * 480,
        title="x" * 500,
        content=None,
        content_base64=base64.b64encode("Ünïcode\x00".encode()).decode(),
        url="https://example.com/" + "x" * 2028,
        tags=tuple(f"{n:064}" for n in range(50)),
        locale="zh-Hant-TW",
        audience="authenticated",
        active=False,
        metadata={"k" * 64: "line\nbreak" + "x" * 502},
    )
    made = draft(said)
    assert made.content == "Ünïcode\x00".encode()
    assert not made.description.active


QA = "application/vnd.supportagent.qa+json"


@pytest.mark.parametrize("encoded", [False, True])
def test_custom_answers_are_read_when_they_are_written(encoded: bool) -> None:
    """What is wrong in the pairs is told with what is wrong around them, however they were sent."""
    content = '[{"question": "Why?", "answer": "So."}, {"question": "How?", "colour": 1}]'
    said = Said(title="", content_type=QA, content=content)
    if encoded:
        said = replace(said, content=None, content_base64=base64.b64encode(content.encode()).decode())
    assert refused(said) == ["/title", "/content/1/colour", "/content/1/answer"]
    good = replace(SAID, content_type=QA, content='{"question": "Why?", "answer": "So."}')
    assert draft(good).content == b'{"question": "Why?", "answer": "So."}'


def test_custom_answers_keep_to_the_rules_of_documents() -> None:
    """They are as large as documents may be, and empty content is no pair."""
    large = f'{{"question": "Why?", "answer": "{"x" * MAX_CONTENT_BYTES}"}}'
    assert refused(replace(SAID, content_type=QA, content=large)) == ["/content"]
    assert refused(replace(SAID, content_type=QA, content="")) == ["/content"]


def test_repeated_tags_count_once() -> None:
    """Tags are a set; their order is kept."""
    assert draft(replace(SAID, tags=("b", "a", "b"))).description.tags == ("b", "a")


def test_patch_takes_only_what_is_given() -> None:
    """An empty list clears; what is not named stays, whatever the message holds."""
    made = patch(Said(title="ignored"), frozenset({"tags", "url"}))
    assert (made.tags, made.url) == ((), "")
    assert (made.title, made.content, made.active, made.metadata) == (None, None, None, None)


@pytest.mark.parametrize(
    ("said", "given", "pointers"),
    [
        (Said(), frozenset(), [""]),
        (Said(external_id="x"), frozenset({"external_id"}), [""]),
        (Said(title=""), frozenset({"title"}), ["/title"]),
        (Said(), frozenset({"audience", "content_type"}), ["/content_type", "/audience"]),
        (
            Said(content="a", content_base64="YQ=="),
            frozenset({"content", "content_base64"}),
            ["/content_base64"],
        ),
        (
            Said(title="", content_type=QA, content='{"question": "Why?"}'),
            frozenset({"title", "content_type", "content"}),
            ["/title", "/content/answer"],
        ),
    ],
)
def test_patch_refused(said: Said, given: frozenset[str], pointers: list[str]) -> None:
    """A patch that changes nothing, or breaks a rule, is refused."""
    with pytest.raises(InvalidArgument) as caught:
        patch(said, given)
    assert [each.pointer for each in caught.value.violations] == pointers


def test_external_id_of_a_path() -> None:
    """A path's external id is neither empty nor unprintable."""
    assert check_external_id("a/b c") == []
    assert check_external_id("")
    assert check_external_id("a\x07")


def test_documents_of_word_and_pdf_come_in_base64() -> None:
    """Bytes are no text: they are taken as they are, in `content_base64` alone."""
    for content_type in (ContentType.PDF, ContentType.DOCX):
        given = base64.b64encode(b"%PDF-\xff\x00").decode()
        made = draft(Said(title="t", content_base64=given, content_type=content_type))
        assert made.content == b"%PDF-\xff\x00"
        assert refused(Said(title="t", content="%PDF-", content_type=content_type)) == ["/content"]


def test_text_in_base64_is_text() -> None:
    """What is to be HTML has to be in UTF-8."""
    html = ContentType.HTML
    assert draft(Said(title="t", content_base64="PHA+", content_type=html)).content == b"<p>"
    assert refused(Said(title="t", content_base64="/w==", content_type=html)) == ["/content_base64"]


def test_front_matter_becomes_metadata() -> None:
    """Texts that the content begins with are metadata, unless the caller gave the same key."""
    content = "---\nteam: billing\nowner: Ann\n---\n# Page\n"
    made = draft(Said(title="t", content=content, metadata={"owner": "Bob"}))
    assert made.description.metadata == {"owner": "Bob", "team": "billing"}
    assert made.content == content.encode()
    plain = draft(Said(title="t", content=content, content_type=ContentType.PLAIN))
    assert plain.description.metadata == {}


def test_front_matter_never_makes_a_document_bad() -> None:
    """What there is no room for among the metadata is left out."""
    many = "".join(f"key{number}: v\n" for number in range(20))
    content = f"---\n{'k' * 65}: v\nlong: {'v' * 513}\n{many}---\n"
    metadata = draft(Said(title="t", content=content)).description.metadata
    assert list(metadata) == [f"key{number}" for number in range(16)]


def test_a_patch_takes_its_front_matter_along() -> None:
    """New front matter outweighs what was there before, and not what the caller says with it."""
    before = Description("", "t", metadata={"team": "sales", "kept": "x"})
    content = "---\nteam: billing\nowner: Ann\n---\n"
    after = patch(Said(content=content), frozenset({"content"})).of(before)
    assert after.metadata == {"team": "billing", "owner": "Ann", "kept": "x"}
    said = Said(content=content, metadata={"team": "legal"})
    assert patch(said, frozenset({"content", "metadata"})).of(before).metadata == {
        "team": "legal",
        "owner": "Ann",
    }
    assert patch(Said(metadata={}), frozenset({"metadata"})).of(before).metadata == {}
    as_text = replace(before, content_type=ContentType.PLAIN)
    assert patch(Said(content=content), frozenset({"content"})).of(as_text).metadata == before.metadata
