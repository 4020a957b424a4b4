"""A workspace's settings as a row: JSON, and beside it the secrets by name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.settings.answering import Answering
from services.query.domain.settings.language_model import LanguageModel

_ENDPOINTS: dict[str, type[LanguageModel] | type[RerankModel]] = {
    "language_model": LanguageModel,
    "reranker": RerankModel,
}
_KEY = "key"


@dataclass(frozen=True)
class Encoded:
    """`settings` holds what differs from the defaults, `secrets` the keys that are set, as they are."""

    settings: dict[str, Any]
    secrets: dict[str, str] = field(repr=False)


def encode(answering: Answering) -> Encoded:
    """Return the two parts."""
    settings = {name: value for name, value in asdict(answering).items() if value != _default(name)}
    secrets = {}
    for name in _ENDPOINTS.keys() & settings.keys():
        key = settings[name].pop(_KEY)
        if key:
            secrets[f"{name}.{_KEY}"] = key
    return Encoded(settings, secrets)


def decode(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Answering:
    """Return the settings; what a newer version wrote beside them is passed over."""
    known = _known(Answering, settings)
    for name, kind in _ENDPOINTS.items():
        if name in known:
            parts = _known(kind, known[name])
            known[name] = kind(**{**parts, _KEY: secrets.get(f"{name}.{_KEY}", "")})
    return Answering(**known)


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _default(name: str) -> Any:
    return next(each.default for each in fields(Answering) if each.name == name)
