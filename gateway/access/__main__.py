"""`python -m gateway.access`: the check behind every request, usage, end users, and the operator's RPCs."""

import time
from pathlib import Path

from supportagent.access.v1.operator_service_pb2_grpc import add_OperatorServiceServicer_to_server
from supportagent.access.v1.usage_service_pb2_grpc import add_UsageServiceServicer_to_server
from supportagent.access.v1.user_key_service_pb2_grpc import add_UserKeyServiceServicer_to_server
from supportagent.access.v1.user_token_service_pb2_grpc import add_UserTokenServiceServicer_to_server

from gateway.access.api import operator_servicer, usage_servicer, user_key_servicer, user_token_servicer
from gateway.access.api.check_handler import CheckHandler
from gateway.access.api.check_server import CheckServer
from gateway.access.api.health_watch import HealthWatch
from gateway.access.api.operator_servicer import OperatorServicer
from gateway.access.api.usage_servicer import UsageServicer
from gateway.access.api.user_key_servicer import UserKeyServicer
from gateway.access.api.user_token_servicer import UserTokenServicer
from gateway.access.clients.key_sets import HttpsKeySets
from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.counters.upkeep import Upkeep
from gateway.access.domain.check import Check
from gateway.access.domain.keys.key_directory import KeyDirectory
from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.keys.last_use import LastUse
from gateway.access.domain.limits.leases import Leases
from gateway.access.domain.limits.monthly_counts import MonthlyCounts
from gateway.access.domain.limits.shared_limits import SharedLimits
from gateway.access.domain.operator import Operator
from gateway.access.domain.refusals import Refusals
from gateway.access.domain.usage.arrivals import Arrivals
from gateway.access.domain.usage.month import Month
from gateway.access.domain.usage.reading import UsageReading
from gateway.access.domain.usage.reconciliation import PERIOD_SECONDS, Reconciliation
from gateway.access.domain.usage.reports import Reports
from gateway.access.domain.user_tokens.key_sets import KeySets
from gateway.access.domain.user_tokens.signing_keys import SigningKeys
from gateway.access.domain.user_tokens.verification import UserTokens
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.jose.public_keys import PemPublicKeys
from gateway.access.jose.signatures import JoseSignatures
from gateway.access.settings import PREFIX, AccessSettings
from gateway.access.storage import liveness, operator_token
from gateway.access.storage.allowances import StoredAllowances
from gateway.access.storage.audit import StoredAudit
from gateway.access.storage.keys import StoredKeys
from gateway.access.storage.late_writer import LateWriter
from gateway.access.storage.ledger import StoredLedger
from gateway.access.storage.user_keys import StoredUserKeys
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.clock import SystemClock
from services.kernel.ids import WorkspaceId
from services.runtime import logs
from services.runtime.database import migrate, open_database
from services.runtime.health import Health
from services.runtime.periodic import Periodic
from services.runtime.seal import Seal
from services.runtime.server import Service, serve
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import load, load_shared

_VERSIONS = Path(__file__).parent / "storage" / "versions"


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(AccessSettings, PREFIX), load_shared()
    logs.configure("access", shared.log_level)
    plans = Plans.shipped()
    database = open_database(settings.database_url.reveal(), "access")
    migrate(database, _VERSIONS)

    clock = SystemClock()
    threads = ServingThreads(settings.workers, settings.max_waiting)
    keys, workspaces = StoredKeys(database), StoredWorkspaces(database)
    audit, ledger = StoredAudit(database), StoredLedger(database)

    def now() -> int:
        return time.monotonic_ns() // 1000

    counters = RedisCounters(connect(settings.redis_url.reveal()))
    leases = Leases(now)
    months = MonthlyCounts(counters, ledger, leases, now)
    limits = SharedLimits(counters, leases, months, clock, now)
    upkeep = Upkeep(limits, months, counters)

    def take_back(workspace_id: WorkspaceId) -> None:
        months.take_back(workspace_id, Month.of(clock.now()))

    arrivals = Arrivals()
    reading = UsageReading(
        ledger, months, StoredAllowances(database, plans), arrivals, clock, threads.stepping_aside
    )
    reconciler = Periodic("reconciliation", PERIOD_SECONDS, Reconciliation(ledger, months).go_round)

    last_use, refusals = LastUse(), Refusals()
    known_keys = KnownKeys(KeyDirectory(keys, plans, reading.used))
    token = operator_token.read_or_create(settings.operator_token_file)
    check = Check(known_keys, limits, token, clock, last_use, refusals)
    check_server = CheckServer(
        CheckHandler(check.at_once, take_back, shared.internal_credential, threads=settings.check_threads),
        settings.check_listen,
        drain_seconds=settings.drain_seconds,
    )
    late_writer = LateWriter(last_use, keys, refusals, audit, clock)

    jwks_hosts = settings.allowed_jwks_hosts
    user_keys = StoredUserKeys(database, Seal(settings.secrets_key.reveal()))
    user_tokens = UserTokens(user_keys, KeySets(HttpsKeySets(hosts=jwks_hosts)), JoseSignatures(), clock)
    signing_keys = SigningKeys(user_keys, workspaces, PemPublicKeys(), clock, jwks_hosts=jwks_hosts)

    health = Health()
    watch = HealthWatch(health, lambda: liveness.answers(database), lambda: counters.available)

    def stop() -> None:
        # First of all, so that no request takes what is given back, or leaves what is not written down.
        check_server.stop()
        for each in (watch, reconciler, upkeep, late_writer):
            each.stop()

    for each in (late_writer, upkeep, reconciler, check_server, watch):
        each.start()
    serve(
        settings,
        shared,
        [
            Service(
                operator_servicer.SERVICE,
                add_OperatorServiceServicer_to_server,
                OperatorServicer(Operator(workspaces, keys, audit, known_keys, clock), plans),
            ),
            Service(
                usage_servicer.SERVICE,
                add_UsageServiceServicer_to_server,
                UsageServicer(reading, Reports(ledger, months, arrivals, known_keys, clock)),
            ),
            Service(
                user_key_servicer.SERVICE,
                add_UserKeyServiceServicer_to_server,
                UserKeyServicer(signing_keys),
            ),
            Service(
                user_token_servicer.SERVICE,
                add_UserTokenServiceServicer_to_server,
                UserTokenServicer(user_tokens),
            ),
        ],
        health=health,
        threads=threads,
        on_stop=stop,
    )
    counters.close()
    database.close()


if __name__ == "__main__":
    main()
