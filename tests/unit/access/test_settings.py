"""The process's settings."""

import pytest

from gateway.access.settings import PREFIX, AccessSettings
from services.runtime.settings import SettingsError, load

GIVEN = {
    "ACCESS_LISTEN": "127.0.0.1:0",
    "ACCESS_CHECK_LISTEN": "127.0.0.1:0",
    "ACCESS_DATABASE_URL": "sqlite:///access.db",
    "ACCESS_REDIS_URL": "redis://:hunter2@127.0.0.1:6379",
    "ACCESS_OPERATOR_TOKEN_FILE": "operator.token",
    "ACCESS_SECRETS_KEY": "A" * 43,
}


def test_the_needed_ones_are_enough() -> None:
    """The rest has defaults, and no secret shows."""
    settings = load(AccessSettings, PREFIX, GIVEN)
    assert settings.allowed_jwks_hosts == frozenset()
    for secret in ("access.db", "hunter2", "AAA"):
        assert secret not in repr(settings)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_none_of_them_may_be_missing(name: str) -> None:
    """A process without its counters or its database would not be the check."""
    with pytest.raises(SettingsError, match=f"{name} is missing"):
        load(AccessSettings, PREFIX, {each: value for each, value in GIVEN.items() if each != name})


def test_what_cannot_work_is_refused_at_once() -> None:
    """All of it is named, and no secret is shown."""
    wrong = {**GIVEN, "ACCESS_CHECK_THREADS": "0", "ACCESS_SECRETS_KEY": "hunter2"}
    with pytest.raises(SettingsError, match=r"CHECK_THREADS.*SECRETS_KEY") as raised:
        load(AccessSettings, PREFIX, wrong)
    assert "hunter2" not in str(raised.value)


def test_hosts_of_key_sets_are_a_list() -> None:
    """Separated by commas, in any case, with any spaces."""
    settings = load(AccessSettings, PREFIX, {**GIVEN, "ACCESS_JWKS_HOSTS": "Login.Example, id.example,"})
    assert settings.allowed_jwks_hosts == {"login.example", "id.example"}
