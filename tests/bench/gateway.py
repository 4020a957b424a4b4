"""
`make bench PART=gateway`: what the gateway costs, and what the check of keys, limits and quotas costs in it.

The same call of the same service that answers at once, in turns, round by round: without a gateway, through
Envoy that asks nobody, through Envoy that asks access (one key with a limit of its own, its workspace's
limit, a monthly quota), and the same over native gRPC. Each ratio is the median of the rounds' ratios. Then
a workspace's bucket is emptied, so that every request is counted in Valkey by itself; at last Valkey hangs
under the same requests. What each process uses of the processors for a request says more than rates do where
the machine has other work too.

Prints a Markdown table on standard output, a line per step on standard error, and keeps all figures in
`build/bench/gateway.json`. Settings, as options of `python -m tests.bench.gateway` or in the environment:
`BENCH_ROUNDS` (5) and `BENCH_SECONDS` (3) for each measurement.
"""

import argparse
import os
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import redis
from supportagent.query.v1 import query_service_pb2 as pb

from gateway.access.counters.redis_counters import RedisCounters, connect
from gateway.access.domain.metering import Account, Bucket
from gateway.access.domain.usage.month import Month
from services.kernel.ids import WorkspaceId
from services.runtime.logs import configure
from tests.bench import load
from tests.bench.data import FOLDER
from tests.bench.gateway_stack import MOST_PER_MINUTE, GatewayStack
from tests.bench.load import Bodies, Load, Target
from tests.bench.report import Report
from tests.bench.table import machine

MANY = 32
_WARM_SECONDS = 1.0
_LEASES_LAPSE_SECONDS = 2.0
_HANGS_AFTER_SECONDS = 0.3
# Of what Envoy alone can do, with the check; and by how much its median is later.
RATIO, MILLISECONDS = 0.70, 0.8
# The check's p99 while Valkey hangs; here of whole requests.
HANGING_MILLISECONDS = 100
_WAYS = {
    "direct": "direct gRPC",
    "unchecked": "Envoy, no check",
    "checked": "Envoy with the whole check",
    "native": "Envoy with the whole check, native gRPC",
}

Rounds = Mapping[str, Sequence[Load]]


def main() -> None:
    """Measure, print, write."""
    settings = _settings()
    configure("bench", "error")
    load.build()
    report = Report(FOLDER / "gateway.json")
    for name, value in {"machine": machine(), **vars(settings)}.items():
        report.put(name, value=value)
    folder = FOLDER / "gateway"
    shutil.rmtree(folder, ignore_errors=True)
    report.say("starting Valkey, access, Envoy twice and the service")
    with GatewayStack(folder) as stack:
        key = stack.key("plenty", MOST_PER_MINUTE)
        targets = {
            "direct": stack.direct(),
            "unchecked": stack.unchecked(),
            "checked": stack.checked(key),
            "native": stack.native(key),
        }
        ask = _asking()
        singles, crowds, work = _rounds(report, stack, targets, ask, settings)
        for name in targets:
            report.put("one_client", name, value=[asdict(each) for each in singles[name]])
            report.put("many_clients", name, value=[asdict(each) for each in crowds[name]])
        report.put("microseconds_of_processors", value=work)
        summary = summarised(singles, crowds)
        report.put("summary", value=summary)
        report.say("every request counted by itself")
        exact = _near_the_limit(
            stack, ask, statistics.median(each.qps for each in crowds["checked"]), settings
        )
        report.put("near_the_limit", value=exact)
    print(table(singles, crowds, summary, exact))
    print(processors(work))


def summarised(singles: Rounds, crowds: Rounds) -> dict[str, float]:
    """Return what the goals are about: medians over rounds, each round with itself."""

    def ratio(of: str, to: str) -> float:
        pairs = zip(crowds[of], crowds[to], strict=True)
        return round(statistics.median(one.qps / other.qps for one, other in pairs), 3)

    later = [
        one.p50_ms - other.p50_ms for one, other in zip(singles["checked"], singles["unchecked"], strict=True)
    ]
    return {
        "checked_to_unchecked": ratio("checked", "unchecked"),
        "check_adds_ms": round(statistics.median(later), 3),
        "unchecked_to_direct": ratio("unchecked", "direct"),
        "checked_to_direct": ratio("checked", "direct"),
        "native_to_direct": ratio("native", "direct"),
    }


def table(singles: Rounds, crowds: Rounds, summary: Mapping[str, float], exact: Mapping[str, float]) -> str:
    """Return everything in Markdown, the goals beside what was reached."""
    lines = [
        f"| | p50 ms, 1 client | p99 ms, 1 client | requests/s, {MANY} clients | p99 ms | to direct |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in _WAYS.items():
        one, many = singles[name], crowds[name]
        pairs = zip(many, crowds["direct"], strict=True)
        cells = (
            f"{statistics.median(each.p50_ms for each in one):.2f}",
            f"{statistics.median(each.p99_ms for each in one):.2f}",
            f"{statistics.median(each.qps for each in many):,.0f}",
            f"{statistics.median(each.p99_ms for each in many):.1f}",
            f"{statistics.median(each.qps / direct.qps for each, direct in pairs):.2f}",
        )
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(
        [
            *lines,
            "",
            f"With the check, requests/s to Envoy without it: {summary['checked_to_unchecked']:.2f} "
            f"(goal: at least {RATIO:.2f}). The check adds {summary['check_adds_ms']:.2f} ms to p50 "
            f"(goal: at most {MILLISECONDS}).",
            f"With an empty bucket: {exact['answered_per_second']:,.0f} requests/s answered, of which "
            f"{exact['passed']:,.0f} passed where {exact['allowed']:,.1f} might; "
            f"{exact['calls_per_request']:.2f} calls of Valkey for each. p99 {exact['p99_ms']:.0f} ms, and "
            f"{exact['p99_ms_while_valkey_hangs']:.0f} ms while Valkey hangs "
            f"(goal: less than {HANGING_MILLISECONDS}).",
        ]
    )


def processors(work: Mapping[str, Mapping[str, float]]) -> str:
    """Return in a sentence per way what a request costs each process."""
    lines = []
    for name, title in _WAYS.items():
        parts = [f"{each} {used:,.0f}" for each, used in work[name].items() if used >= 1]
        lines.append(f"µs of processors for a request, {title}: {', '.join(parts)}.")
    return "\n".join(lines)


def _rounds(
    report: Report,
    stack: GatewayStack,
    targets: Mapping[str, Target],
    ask: Callable[..., Load],
    settings: argparse.Namespace,
) -> tuple[dict[str, list[Load]], dict[str, list[Load]], dict[str, dict[str, float]]]:
    """Return what was measured with one client and with many, and of the latter what each process used."""
    for target in targets.values():
        ask(target, MANY, _WARM_SECONDS)
    singles: dict[str, list[Load]] = {name: [] for name in targets}
    crowds: dict[str, list[Load]] = {name: [] for name in targets}
    work: dict[str, dict[str, list[float]]] = {name: {} for name in targets}
    for number in range(settings.rounds):
        report.say(f"round {number + 1} of {settings.rounds}")
        for found, connections in ((singles, 1), (crowds, MANY)):
            for name, target in targets.items():
                before = stack.processor_seconds()
                measured = ask(target, connections, settings.seconds)
                if measured.errors:
                    raise RuntimeError(f"{measured.errors} of {measured.requests} failed: {name}")
                found[name].append(measured)
                if connections == MANY:
                    for process, used in stack.processor_seconds().items():
                        each = (used - before[process]) / measured.requests * 1e6
                        work[name].setdefault(process, []).append(each)
    medians = {
        name: {process: round(statistics.median(each), 1) for process, each in used.items()}
        for name, used in work.items()
    }
    return singles, crowds, medians


def _near_the_limit(
    stack: GatewayStack, ask: Callable[..., Load], rate: float, settings: argparse.Namespace
) -> dict[str, float]:
    """Empty a bucket that is filled half as fast as requests come, and let them come."""
    per_minute = min(max(round(rate / 2) * 60, 60), MOST_PER_MINUTE)
    key = stack.key("near", per_minute)
    target = stack.checked(key)
    client = connect(stack.redis_url, timeout_seconds=1.0)
    counters = RedisCounters(client)
    bucket = Bucket(f"workspace:{key.workspace_id}", "workspace", per_minute)
    account = Account(WorkspaceId(key.workspace_id), (bucket,))
    month = Month.of(datetime.now(UTC))
    # First requests, so that the count of the month is there and access knows the key; then until the tokens
    # that it has set aside for them are back.
    ask(target, 1, 0.1)
    time.sleep(_LEASES_LAPSE_SECONDS)
    before, emptied = _scripts(client), time.monotonic()
    counters.take(account, month, per_minute, per_minute)
    found = ask(target, MANY, settings.seconds)
    seconds, calls = time.monotonic() - emptied, _scripts(client) - before
    client.close()
    with stack.hanging("valkey", _HANGS_AFTER_SECONDS):
        alone = ask(target, MANY, settings.seconds)
    return {
        "limit_per_minute": per_minute,
        "answered_per_second": found.requests / found.seconds,
        "p50_ms": found.p50_ms,
        "passed": found.requests - found.errors,
        "allowed": per_minute / 60 * seconds,
        "calls_per_request": calls / found.requests,
        "p99_ms": found.p99_ms,
        "p99_ms_while_valkey_hangs": alone.p99_ms,
    }


def _scripts(client: redis.Redis) -> int:
    """How many scripts were run."""
    stats = client.info("commandstats")
    assert isinstance(stats, dict)
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


def _asking() -> Callable[[Target, int, float], Load]:
    bodies = {
        "grpc": Bodies("gateway-grpc", [pb.QueryRequest(message="hi").SerializeToString()], framed=True),
        "http": Bodies("gateway-http", [b'{"message":"hi"}'], framed=False),
    }

    def ask(target: Target, connections: int, seconds: float) -> Load:
        return load.run(target, bodies[target.protocol], connections=connections, seconds=seconds)

    return ask


def _settings() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "5")))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("BENCH_SECONDS", "3")))
    return parser.parse_args()


if __name__ == "__main__":
    main()
