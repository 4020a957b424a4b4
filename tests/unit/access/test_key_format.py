"""The form of keys."""

import re

import pytest

from gateway.access.domain.keys import base62, key_format
from gateway.access.domain.keys.key_format import Environment, KeyKind

_VALID = key_format.mint(Environment.LIVE).reveal()


@pytest.mark.parametrize(("kind", "letters"), [(KeyKind.SECRET, "sk"), (KeyKind.PUBLISHABLE, "pk")])
@pytest.mark.parametrize("environment", Environment)
def test_a_minted_key_is_read_back(environment: Environment, kind: KeyKind, letters: str) -> None:
    """What is given out has the documented form and parses to what was minted."""
    key = key_format.mint(environment, kind)
    form = rf"{letters}_{environment}_[0-9A-Za-z]{{8}}[0-9A-Za-z]{{27,}}[0-9A-Za-z]{{6}}"
    assert re.fullmatch(form, key.reveal())
    assert key_format.parse(key.reveal()) == key


def test_keys_differ() -> None:
    """No two keys share a public id or a secret."""
    keys = [key_format.mint(Environment.LIVE) for _ in range(1000)]
    assert len({key.public_id for key in keys}) == len({key.secret for key in keys}) == 1000


def test_a_secret_has_160_random_bits() -> None:
    """The secret's alphabet and length leave at least 2^160 possibilities."""
    assert len(base62.ALPHABET) == len(set(base62.ALPHABET)) == 62
    assert 62**key_format.SECRET_LENGTH >= 2**160


def test_every_single_typing_error_is_caught() -> None:
    """Another character at any place of the key is refused by form or checksum."""
    for position in range(len(_VALID)):
        for character in "0aZ_-":
            if character != _VALID[position]:
                assert key_format.parse(_VALID[:position] + character + _VALID[position + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk_live_",
        _VALID[:-1],
        _VALID + "0",
        _VALID + "\n",
        " " + _VALID,
        _VALID.replace("sk_live_", "sk_test_"),
        _VALID.replace("sk_live_", "pk_live_"),
        _VALID.replace("sk_live_", "xk_live_"),
        _VALID.upper(),
        _VALID[:-1] + "é",
        _VALID[:8] + "\N{ARABIC-INDIC DIGIT ONE}" + _VALID[9:],
        "x" * 100_000,
    ],
)
def test_other_forms_are_no_keys(text: str) -> None:
    """Anything but the exact form with its checksum is refused."""
    assert key_format.parse(text) is None


def test_only_the_right_secret_opens() -> None:
    """A key opens its own hash and no other's."""
    key, other = key_format.mint(Environment.LIVE), key_format.mint(Environment.LIVE)
    assert key.opens(key.secret_hash)
    assert not key.opens(other.secret_hash)


def test_the_secret_never_shows() -> None:
    """Neither `repr` nor the prefix tells the secret."""
    key = key_format.mint(Environment.TEST)
    assert key.secret not in repr(key)
    assert key.secret not in key.prefix


def test_base62_is_positional() -> None:
    """Numbers are padded to their length, the most significant digit first."""
    assert base62.encode(0, 3) == "000"
    assert base62.encode(61, 3) == "00z"
    assert base62.encode(62, 3) == "010"
    assert base62.encode(62**3 - 1, 3) == "zzz"
