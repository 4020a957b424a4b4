"""What a route demands."""

import pytest

from gateway.access.domain.demand import Audience, Demand
from gateway.access.domain.metering import Meter


def test_demands_are_read_from_the_rule() -> None:
    """The rule's parts become the demand."""
    method = "supportagent.query.v1.QueryService/Query"
    assert Demand.of(f"api_key|query|true|query|{method}") == Demand(
        Audience.API_KEY, "query", True, Meter.QUERY, method
    )
    assert Demand.of("api_key||false|knowledge_write|X") == Demand(
        Audience.API_KEY, meter=Meter.KNOWLEDGE_WRITE, method="X"
    )
    assert Demand.of("operator||false|request|") == Demand(Audience.OPERATOR)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "api_key",
        "api_key|query|true|query",
        "|query|true|query|X",
        "everyone|query|true|query|X",
        "api_key|query|TRUE|query|X",
        "api_key|query||query|X",
        "api_key|query|true||X",
        "api_key|query|true|answers|X",
        "api_key|query|true|query|X,anyone||true|request|Y",
    ],
)
def test_a_rule_that_leaves_something_open_is_none(rule: str) -> None:
    """Nothing is assumed, and two rules are not one."""
    assert Demand.of(rule) is None
