"""The plans that workspaces can be on: `plans.json`, held against its rules before anything is served."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.access.domain.workspaces.allowance import LIMITS, Allowance

PLANS = ("starter", "growth", "scale", "enterprise")
DEFAULT_PLAN = "growth"

_SHIPPED = Path(__file__).with_name("plans.json")


class PlansError(Exception):
    """The file is no table of plans; the text names everything that is wrong with it."""


@dataclass(frozen=True)
class Plans:
    """What each plan allows."""

    _allowances: Mapping[str, Allowance]

    @classmethod
    def shipped(cls) -> "Plans":
        """
        Return the plans of this installation.

        Raises:
            PlansError: the file breaks a rule.
        """
        return cls.read(_SHIPPED)

    @classmethod
    def read(cls, path: Path) -> "Plans":
        """
        Return the plans in a file: a JSON object with every plan, each with `api_access` and every limit.

        Limits are whole numbers from 1 on; `requests_per_minute` of a plan without API access is 0.

        Raises:
            PlansError: the file breaks a rule.
        """
        try:
            table = json.loads(path.read_text("utf-8"), object_pairs_hook=_object)
        except ValueError as error:
            raise PlansError(f"{path.name} can't be read: {error}") from error
        wrong = [f"{path.name}: {each}" for each in _faults(table)]
        if wrong:
            raise PlansError("\n".join(wrong))
        return cls({plan: Allowance(plan=plan, **limits) for plan, limits in table.items()})

    def allowance(self, plan: str) -> Allowance:
        """Return what one of `PLANS` allows."""
        return self._allowances[plan]


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} is there more than once")
    return dict(pairs)


def _faults(table: object) -> Iterator[str]:
    if not isinstance(table, dict):
        yield "must be an object of plans"
        return
    yield from _names(table, PLANS, "plan")
    for plan in PLANS:
        limits = table.get(plan, {})
        if not isinstance(limits, dict):
            yield f"{plan} must be an object of limits"
        elif plan in table:
            yield from (f"{plan}.{fault}" for fault in _faults_of_plan(limits))


def _faults_of_plan(limits: dict[str, object]) -> Iterator[str]:
    yield from _names(limits, ("api_access", *LIMITS), "limit")
    access = limits.get("api_access", True)
    if not isinstance(access, bool):
        yield "api_access must be true or false"
    for name in LIMITS:
        value = limits.get(name, 1)
        if access is False and name == "requests_per_minute":
            if name in limits and (type(value) is not int or value != 0):
                yield f"{name} must be 0 without api_access"
        elif type(value) is not int or value < 1:
            yield f"{name} must be a whole number from 1 on"


def _names(given: dict[str, object], known: tuple[str, ...], what: str) -> Iterator[str]:
    yield from (f"{name} is missing" for name in known if name not in given)
    yield from (f"{name} is no {what}" for name in given if name not in known)
