"""Settings of the access process (prefix `ACCESS_`)."""

from dataclasses import dataclass
from pathlib import Path

from services.runtime.settings import ProcessSettings, Secret

PREFIX = "ACCESS_"


@dataclass(frozen=True, kw_only=True)
class AccessSettings(ProcessSettings):
    """Where the keys are, and where the operator's token is (made at the start if missing)."""

    # Holds a password on PostgreSQL.
    database_url: Secret
    operator_token_file: Path
