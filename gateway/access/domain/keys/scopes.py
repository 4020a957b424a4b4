"""What a key may do."""

from collections.abc import Iterable, Sequence

from services.kernel.errors import Violation

SCOPES = (
    "query",
    "knowledge:read",
    "knowledge:write",
    "conversations:read",
    "conversations:write",
    "actions:read",
    "actions:run",
)


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return each scope once, in the order of the reference."""
    return tuple(sorted(set(scopes), key=SCOPES.index))


# What publishable keys can do, whether it is said or not.
PUBLISHABLE_SCOPE = "query"


def violations(scopes: Sequence[str]) -> list[Violation]:
    """Return what is wrong with the scopes that a new secret key is to have."""
    if not scopes:
        return [Violation("/scopes", "at least one is needed")]
    return [
        Violation(f"/scopes/{position}", f"must be one of {', '.join(SCOPES)}")
        for position, scope in enumerate(scopes)
        if scope not in SCOPES
    ]


def violations_of_publishable(scopes: Sequence[str]) -> list[Violation]:
    """Return what is wrong with the scopes that a new publishable key is to have: none are needed."""
    return [
        Violation(f"/scopes/{position}", f"must be {PUBLISHABLE_SCOPE}: the key is publishable")
        for position, scope in enumerate(scopes)
        if scope != PUBLISHABLE_SCOPE
    ]
