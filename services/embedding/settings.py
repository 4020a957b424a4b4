"""Which models embed, from the environment (`EMBEDDING_…`, `PREVIOUS_EMBEDDING_…`)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.runtime.settings import Secret, SettingsError, load

PROVIDERS = ("bundled", "openai")


@dataclass(frozen=True)
class EmbeddingSettings:
    """
    Fields above the line are of the bundled model, those below of an endpoint that speaks OpenAI's protocol.

    All processes of an installation need the same ones: a question is compared with passages only when both
    come from the same model.
    """

    PREFIX: ClassVar[str] = "EMBEDDING_"

    provider: str = "bundled"
    model_dir: Path = Path("build/models/all-minilm-l6-v2-int8")
    threads: int = 2
    """Passages that are embedded at the same time."""

    # ----
    base_url: str = ""
    """Up to, not including, `/embeddings`."""
    api_key: Secret | None = None
    model: str = ""
    dimensions: int = 0
    """Length of the model's vectors."""
    send_dimensions: bool = False
    """Ask the endpoint for `dimensions`; only models with shortened vectors understand it."""
    max_tokens: int = 512
    """Texts are cut off at about this many tokens, because endpoints refuse longer ones."""
    batch_size: int = 64
    """Most texts of one request."""
    timeout: float = 10.0
    """Seconds for one request; less when the caller has less."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, all of it at once."""
        wrong = []
        if self.provider not in PROVIDERS:
            wrong.append(f"{self.PREFIX}PROVIDER is none of {', '.join(PROVIDERS)}")
        if self.provider == "openai":
            wrong += [f"{self.PREFIX}{name} is missing" for name in self._missing()]
        positive = {
            "THREADS": self.threads,
            "MAX_TOKENS": self.max_tokens,
            "BATCH_SIZE": self.batch_size,
            "TIMEOUT": self.timeout,
        }
        wrong += [f"{self.PREFIX}{name} is not above 0" for name, value in positive.items() if value <= 0]
        if wrong:
            raise SettingsError("; ".join(wrong))

    def _missing(self) -> list[str]:
        wanted = {"BASE_URL": self.base_url, "MODEL": self.model, "DIMENSIONS": self.dimensions > 0}
        return [name for name, value in wanted.items() if not value]


@dataclass(frozen=True)
class PreviousEmbeddingSettings(EmbeddingSettings):
    """
    The model that indexes of before are of, while the present one takes over: the same fields.

    Questions are embedded with it until a workspace's re-index is complete, and after a rollback.
    """

    PREFIX: ClassVar[str] = "PREVIOUS_EMBEDDING_"


def load_embedding_settings(environment: Mapping[str, str] | None = None) -> EmbeddingSettings:
    """
    Read the settings of the model that new indexes are made with.

    Raises:
        SettingsError: a variable is missing, unknown or of the wrong form.
    """
    return load(EmbeddingSettings, EmbeddingSettings.PREFIX, environment)


def load_previous_embedding_settings(
    environment: Mapping[str, str] | None = None,
) -> PreviousEmbeddingSettings | None:
    """
    Read the settings of the model of earlier indexes; None where none of them is given.

    Raises:
        SettingsError: a variable is missing, unknown or of the wrong form.
    """
    environment = os.environ if environment is None else environment
    if not any(name.startswith(PreviousEmbeddingSettings.PREFIX) for name in environment):
        return None
    return load(PreviousEmbeddingSettings, PreviousEmbeddingSettings.PREFIX, environment)
