"""The settings of a workspace's models."""

import pytest

from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.settings.language_model import LanguageModel


def test_good_settings() -> None:
    """Local and remote endpoints with and without a key are taken."""
    assert not list(LanguageModel("http://127.0.0.1:8080/v1", "smol").violations("/m"))
    assert not list(LanguageModel("https://[::1]:8443/v1/", "org/model:7b", key="sk-1").violations("/m"))
    assert not list(RerankModel("http://rerank.internal", "r").violations("/m"))


def test_every_violation() -> None:
    """All broken rules are told at once, with the place of each."""
    model = LanguageModel(
        "ftp://a", " ", key="a b", timeout_seconds=float("nan"), retries=9, max_prompt_tokens=1,
        max_answer_tokens=0, temperature=-1.0,
    )  # fmt: skip
    assert [each.pointer for each in model.violations("/language_model")] == [
        f"/language_model/{name}"
        for name in (
            "base_url",
            "model",
            "key",
            "timeout_seconds",
            "retries",
            "max_prompt_tokens",
            "max_answer_tokens",
            "temperature",
        )
    ]
    rerank = RerankModel("", "", key="\n", timeout_seconds=0.0)
    assert len(list(rerank.violations(""))) == 4


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "http://",
        "http:///v1",
        "http://user:secret@host/v1",
        "http://host/v1?key=secret",
        "http://host/v1#x",
        "http://host:99999/",
        "http://[::1/",
        "http://ho st/",
        "http://host/\r\nx: y",
        "http://häst/",
        "http://host/" + "a" * 3_000,
    ],
)
def test_bad_addresses(url: str) -> None:
    """An address that is none, or that holds a secret, is refused, and is not repeated."""
    violations = list(LanguageModel(url, "m").violations(""))
    assert [each.pointer for each in violations] == ["/base_url"]
    assert "secret" not in violations[0].detail


def test_keys_do_not_show() -> None:
    """A key is in no representation and in no violation."""
    for model in (
        LanguageModel("http://a", "m", key="sk secret"),
        RerankModel("http://a", "m", key="sk secret"),
    ):
        assert "secret" not in f"{model!r} {list(model.violations(''))}"
