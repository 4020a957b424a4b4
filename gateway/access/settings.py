"""Settings of the access process (prefix `ACCESS_`)."""

from dataclasses import dataclass
from pathlib import Path

from services.runtime.seal import Seal, UnfitKey
from services.runtime.settings import ProcessSettings, Secret, SettingsError

PREFIX = "ACCESS_"


@dataclass(frozen=True, kw_only=True)
class AccessSettings(ProcessSettings):
    """
    Where the keys and the counters are, and where the operator's token is (made at the start if missing).

    `listen` is gRPC's: for the operator and the services.
    """

    # Where the gateway asks before every request, over HTTP: `host:port`.
    check_listen: str
    # Holds a password on PostgreSQL.
    database_url: Secret
    # The counters that all gateways share, `redis://…` or `unix://…`; it holds a password.
    redis_url: Secret
    operator_token_file: Path

    # Encrypts the secrets that user tokens are signed with: 32 bytes in base64. Several are separated by
    # commas; the first encrypts, all decrypt, so that a new one can be put before an old one.
    secrets_key: Secret
    # Hosts that JWKS may come from, separated by commas; empty: any public one.
    jwks_hosts: str = ""

    # Checks that wait at once for the database, and as many for the counters; each is a thread.
    check_threads: int = 16
    # Calls over gRPC that may wait for reports of usage, beside the workers.
    max_waiting: int = 32

    def __post_init__(self) -> None:
        """Refuse what can't work, all of it at once."""
        wrong = []
        if self.check_threads < 1:
            wrong.append(f"{PREFIX}CHECK_THREADS is not above 0")
        try:
            Seal(self.secrets_key.reveal())
        except UnfitKey as unfit:
            wrong.append(f"{PREFIX}SECRETS_KEY {unfit}")
        if wrong:
            raise SettingsError("; ".join(wrong))

    @property
    def allowed_jwks_hosts(self) -> frozenset[str]:
        """The hosts in `jwks_hosts`."""
        return frozenset(host for each in self.jwks_hosts.split(",") if (host := each.strip().lower()))
