"""
`python -m deploy.local`: the whole system on one machine, in the foreground.

`run` (the default) starts it; `ps` shows the processes of a running one and their memory. GATEWAY_PORT
(default 8080, 0 takes a free one) and DATA_DIR (default ./data) say where.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from deploy.local.data_directory import DataDirectory, DataDirectoryInUse, read_json, write_json
from deploy.local.demo import curl_line, prepare_demo
from deploy.local.installation import Addresses, processes, shared_environment
from deploy.local.log_file import LogFile
from deploy.local.memory import table, usage
from deploy.local.ports import NoFreePort
from deploy.local.process import Process
from deploy.local.supervisor import StartFailed, Supervisor
from deploy.local.valkey import ValkeyNotInstalled
from gateway.client.errors import ClientError
from gateway.envoy.binary import EnvoyNotInstalled


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """The whole system on one machine."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@main.command()
@click.option("--demo/--no-demo", default=True, help="Make and fill the demo workspace.")
def run(demo: bool = True) -> None:
    """Run the system until Ctrl-C."""
    stopping = threading.Event()
    _stop_on_signals(stopping)
    try:
        data = DataDirectory(_data_path())
        data.lock()
        addresses = Addresses.allocate(_gateway_port())
        environment = shared_environment(data, dict(os.environ))
        supervised = [
            Process(each, LogFile(data.logs / f"{each.name}.log"), environment=environment)
            for each in processes(data, addresses)
        ]
        write_json(data.endpoints, addresses.endpoints())
        supervisor = Supervisor(supervised, data.processes, _say, supervisor_pid=os.getpid())
        ready = threading.Thread(target=_announce, args=(data, addresses, demo), daemon=True)
        supervisor.run(stopping, ready.start)
    except (DataDirectoryInUse, NoFreePort, StartFailed, EnvoyNotInstalled, ValkeyNotInstalled) as error:
        raise click.ClickException(str(error)) from error


@main.command()
def ps() -> None:
    """Show the running processes and their memory."""
    state = read_json(DataDirectory(_data_path()).processes)
    if state is None:
        raise click.ClickException(f"Nothing has run with the data folder {_data_path()}.")
    click.echo(table(usage(state)))


def _announce(data: DataDirectory, addresses: Addresses, demo: bool) -> None:
    if demo:
        try:
            _say(f"demo workspace: {prepare_demo(data, addresses)}")
        except ClientError as error:
            _say(f"demo workspace: {error}")
        _say(f"\nTry it:\n{curl_line(data, addresses)}\n")
    _say(f"native gRPC on {addresses.grpc_target}")
    _say(f"ready on {addresses.gateway_url}")


def _stop_on_signals(stopping: threading.Event) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            # Asked twice: go at once. The kernel takes the children along.
            os._exit(130)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    # Ignored under nohup, which means it.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)


def _gateway_port() -> int:
    text = os.environ.get("GATEWAY_PORT") or "8080"
    if not text.isdigit() or int(text) > 65535:
        raise click.UsageError(f"GATEWAY_PORT is {text!r}; it should be a port number.")
    return int(text)


def _data_path() -> Path:
    return Path(os.environ.get("DATA_DIR") or "data")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
