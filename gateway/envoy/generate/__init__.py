"""The generator of the gateway's configuration: from the descriptor set to what Envoy runs with."""

from gateway.envoy.generate.endpoints import Address, Endpoints
from gateway.envoy.generate.render import render

__all__ = ["Address", "Endpoints", "render"]
