"""`python -m gateway.access`: the check behind every request, and the operator's RPCs."""

from pathlib import Path

from envoy.service.auth.v3.external_auth_pb2_grpc import add_AuthorizationServicer_to_server
from supportagent.access.v1.operator_service_pb2_grpc import add_OperatorServiceServicer_to_server

from gateway.access.api import authorization_servicer, operator_servicer
from gateway.access.api.authorization_servicer import AuthorizationServicer
from gateway.access.api.operator_servicer import OperatorServicer
from gateway.access.domain.check import Check
from gateway.access.domain.known_keys import KnownKeys
from gateway.access.domain.last_use import LastUse
from gateway.access.domain.operator import Operator
from gateway.access.settings import PREFIX, AccessSettings
from gateway.access.storage import operator_token
from gateway.access.storage.keys import StoredKeys
from gateway.access.storage.last_use_writer import LastUseWriter
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.clock import SystemClock
from services.runtime import logs
from services.runtime.database import migrate, open_database
from services.runtime.health import Health
from services.runtime.server import Service, serve
from services.runtime.settings import load, load_shared

_VERSIONS = Path(__file__).parent / "storage" / "versions"


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(AccessSettings, PREFIX), load_shared()
    logs.configure("access", shared.log_level)
    database = open_database(settings.database_url.reveal(), "access")
    migrate(database, _VERSIONS)

    clock = SystemClock()
    keys, last_use = StoredKeys(database), LastUse()
    known_keys = KnownKeys(keys)
    writer = LastUseWriter(last_use, keys, clock)
    token = operator_token.read_or_create(settings.operator_token_file)
    check = Check(known_keys, token, clock, last_use)
    operator = Operator(StoredWorkspaces(database), keys, clock, known_keys.forget)

    writer.start()
    health = Health()
    health.set_serving(True)
    serve(
        settings,
        shared,
        [
            Service(
                authorization_servicer.SERVICE,
                add_AuthorizationServicer_to_server,
                AuthorizationServicer(check, shared.internal_credential),
            ),
            Service(
                operator_servicer.SERVICE, add_OperatorServiceServicer_to_server, OperatorServicer(operator)
            ),
        ],
        health=health,
        on_stop=writer.stop,
    )
    database.close()


if __name__ == "__main__":
    main()
