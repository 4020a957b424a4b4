"""What a route demands of those who call it, as the route itself says."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.access.domain.metering import Meter

_TRUTHS = {"true": True, "false": False}


class Audience(StrEnum):
    """Whom a route is for."""

    API_KEY = "api_key"
    OPERATOR = "operator"
    ANYONE = "anyone"
    # There is no such route, or not for this method: anybody is told so, and a key in force where it stands.
    NOBODY = "nobody"


@dataclass(frozen=True)
class Demand:
    """What a route demands, and what a request to it counts as."""

    audience: Audience
    # Empty: any valid key.
    scope: str = ""
    # Whether publishable keys may call it.
    publishable: bool = False
    meter: Meter = Meter.REQUEST
    # Full name of the RPC, for the log.
    method: str = ""

    @classmethod
    def of(cls, rule: str) -> "Demand | None":
        """
        Return the demand of `audience|scope|publishable|meter|pkg.Service/Method`, None where it is no rule.

        Nothing is assumed: a part that is missing, repeated or of an unknown word closes the route.
        """
        parts = rule.split("|")
        if len(parts) != 5:
            return None
        audience, scope, publishable, meter, method = parts
        if audience not in set(Audience) or publishable not in _TRUTHS or meter not in set(Meter):
            return None
        return cls(Audience(audience), scope, _TRUTHS[publishable], Meter(meter), method)
