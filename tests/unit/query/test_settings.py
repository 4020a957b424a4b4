"""The process's settings."""

import pytest

from services.query.settings import PREFIX, QuerySettings
from services.runtime.settings import SettingsError, load

GIVEN = {
    "QUERY_LISTEN": "127.0.0.1:0",
    "QUERY_DATABASE_URL": "sqlite:///query.db",
    "QUERY_SECRETS_KEY": "A" * 43,
    "QUERY_VECTOR_SEARCH_TARGET": "127.0.0.1:1",
    "QUERY_CONVERSATIONS_TARGET": "127.0.0.1:2",
    "QUERY_ACCESS_TARGET": "127.0.0.1:3",
}


def test_the_needed_ones_are_enough() -> None:
    """The rest has defaults."""
    settings = load(QuerySettings, PREFIX, GIVEN)
    assert settings.default_min_confidence is None
    assert "query.db" not in repr(settings)
    assert "AAA" not in repr(settings)


def test_what_cannot_work_is_refused_at_once() -> None:
    """All of it is named."""
    wrong = {**GIVEN, "QUERY_SEARCH_TIMEOUT": "0", "QUERY_DEFAULT_MIN_CONFIDENCE": "nan"}
    with pytest.raises(SettingsError, match=r"SEARCH_TIMEOUT.*DEFAULT_MIN_CONFIDENCE"):
        load(QuerySettings, PREFIX, wrong)


@pytest.mark.parametrize("key", ["hunter2", "A" * 43 + ",", "A" * 40])
def test_an_unfit_key_for_secrets_is_refused(key: str) -> None:
    """Before anything is encrypted with it, and without showing it."""
    with pytest.raises(SettingsError, match="QUERY_SECRETS_KEY") as raised:
        load(QuerySettings, PREFIX, {**GIVEN, "QUERY_SECRETS_KEY": key})
    assert key not in str(raised.value)
