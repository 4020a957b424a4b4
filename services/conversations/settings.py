"""Settings of the conversations process (prefix `CONVERSATIONS_`)."""

from dataclasses import dataclass

from services.runtime.settings import ProcessSettings, Secret

PREFIX = "CONVERSATIONS_"


@dataclass(frozen=True, kw_only=True)
class ConversationsSettings(ProcessSettings):
    """Where the transcripts are."""

    # Holds a password on PostgreSQL.
    database_url: Secret
