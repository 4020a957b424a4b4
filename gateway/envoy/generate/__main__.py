"""`python -m gateway.envoy.generate`: renders the gateway's configuration for the given addresses."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.envoy.generate.endpoints import Address, Endpoints
from gateway.envoy.generate.render import render


def main(arguments: list[str] | None = None) -> int:
    """Render, print the path of Envoy's configuration, and return 0; 2 for arguments that do not fit."""
    parser = argparse.ArgumentParser(prog="python -m gateway.envoy.generate", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/gateway"), help="directory to write into")
    parser.add_argument(
        "--descriptors", type=Path, default=Path("build/descriptors.binpb"), help="of `make proto`"
    )
    parser.add_argument(
        "--public", type=Address.parse, default=Address("0.0.0.0", 8080), help="public listener"
    )
    parser.add_argument(
        "--operator", type=Address.parse, default=Address("127.0.0.1", 8081), help="operator listener"
    )
    parser.add_argument(
        "--admin", type=Address.parse, default=Address("127.0.0.1", 9901), help="Envoy's own admin"
    )
    parser.add_argument(
        "--check", type=Address.parse, required=True, help="where access answers the check of every request"
    )
    parser.add_argument(
        "--grpc", type=Address.parse, help="listener for native gRPC calls; none unless given"
    )
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="ROOM=HOST:PORT",
        help="where a service listens, such as query=127.0.0.1:50051; once for each service",
    )
    given = parser.parse_args(arguments)
    try:
        services = dict(_service(text) for text in given.service)
        endpoints = Endpoints(given.public, given.operator, given.admin, given.check, services, given.grpc)
        path = render(endpoints, given.out, given.descriptors)
    except (KeyError, ValueError, FileNotFoundError) as error:
        sys.stderr.write(f"{error.args[0] if isinstance(error, KeyError) else error}\n")
        return 2
    sys.stdout.write(f"{path}\n")
    return 0


def _service(text: str) -> tuple[str, Address]:
    room, equals, address = text.partition("=")
    if not equals:
        raise ValueError(f"not of the form ROOM=HOST:PORT: {text!r}")
    return room, Address.parse(address)


if __name__ == "__main__":
    sys.exit(main())
