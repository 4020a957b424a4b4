"""Settings of the query process (prefix `QUERY_`)."""

from dataclasses import dataclass

from services.runtime.seal import Seal, UnfitKey
from services.runtime.settings import ProcessSettings, Secret, SettingsError

PREFIX = "QUERY_"


@dataclass(frozen=True, kw_only=True)
class QuerySettings(ProcessSettings):
    """Whom it asks, for how long, and when it keeps silent. Targets are `host:port`; times are in seconds."""

    # Of the outbox and the workspaces' settings. Holds a password on PostgreSQL.
    database_url: Secret

    # Encrypts the keys of language models in the database: 32 bytes in base64. Several are separated by
    # commas; the first encrypts, all decrypt, so that a new one can be put before an old one.
    secrets_key: Secret

    vector_search_target: str
    conversations_target: str
    access_target: str

    search_timeout: float = 5.0
    # Access may have to fetch a customer's key set first, which takes it 5 at most.
    user_token_timeout: float = 6.0
    # A hanging conversations service costs each question at most these two together.
    history_timeout: float = 0.3
    append_timeout: float = 0.5

    # Questions that may wait for a language model at once; each needs a thread beside the workers. More are
    # answered by extracts.
    max_waiting: int = 32

    # A cross-encoder by fastembed's name, for workspaces without a reranker of their own; empty: none. It
    # needs the project's extra `rerank`.
    rerank_model: str = ""
    rerank_threads: int = 1

    # Where neither a question nor its workspace says when to keep silent; None: the fitted model's threshold.
    default_min_confidence: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can't work, all of it at once."""
        times = {
            "SEARCH_TIMEOUT": self.search_timeout,
            "USER_TOKEN_TIMEOUT": self.user_token_timeout,
            "HISTORY_TIMEOUT": self.history_timeout,
            "APPEND_TIMEOUT": self.append_timeout,
        }
        wrong = [f"{PREFIX}{name} is not above 0" for name, value in times.items() if not value > 0]
        least = self.default_min_confidence
        if least is not None and not 0 <= least <= 1:
            wrong.append(f"{PREFIX}DEFAULT_MIN_CONFIDENCE is not between 0 and 1")
        try:
            Seal(self.secrets_key.reveal())
        except UnfitKey as unfit:
            wrong.append(f"{PREFIX}SECRETS_KEY {unfit}")
        if wrong:
            raise SettingsError("; ".join(wrong))
