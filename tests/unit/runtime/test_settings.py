from dataclasses import dataclass
from pathlib import Path

import pytest

from services.runtime.settings import ProcessSettings, Secret, SettingsError, load


@dataclass(frozen=True, kw_only=True)
class ShopSettings(ProcessSettings):
    folder: Path
    password: Secret
    ratio: float = 0.5
    note: str | None = None


GOOD = {"SHOP_LISTEN": "127.0.0.1:1", "SHOP_FOLDER": "x/y", "SHOP_PASSWORD": "hunter2"}


def test_fields_are_read_with_their_types() -> None:
    """Each field is read from its variable; absent ones keep their defaults."""
    settings = load(
        ShopSettings, "SHOP_", GOOD | {"SHOP_REFLECTION": "true", "SHOP_WORKERS": "4", "OTHER": "1"}
    )
    assert settings.folder == Path("x/y")
    assert settings.password.reveal() == "hunter2"
    assert (settings.reflection, settings.workers, settings.ratio, settings.note) == (True, 4, 0.5, None)


def test_everything_wrong_is_listed() -> None:
    """Missing, unknown and malformed names are all told at once."""
    with pytest.raises(SettingsError) as error:
        load(ShopSettings, "SHOP_", {"SHOP_LISTEN": "a:1", "SHOP_WORKERS": "many", "SHOP_FOLDR": "x"})
    text = str(error.value)
    assert "SHOP_FOLDR is unknown" in text
    assert "SHOP_FOLDER is missing" in text
    assert "SHOP_PASSWORD is missing" in text
    assert "SHOP_WORKERS is no int" in text


def test_a_secret_does_not_show() -> None:
    """No representation of the settings holds a secret."""
    assert "hunter2" not in repr(load(ShopSettings, "SHOP_", GOOD))
    assert "hunter2" not in f"{Secret('hunter2')}"


@pytest.mark.parametrize("name", ["SHOP_PASSWORD", "SHOP_FOLDER"])
def test_an_empty_secret_or_path_is_refused(name: str) -> None:
    """An empty credential would let everybody in, an empty path is the folder one happens to be in."""
    with pytest.raises(SettingsError, match=name):
        load(ShopSettings, "SHOP_", GOOD | {name: ""})
