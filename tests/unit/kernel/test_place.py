"""Places in lists, as page tokens carry them."""

import pytest

from services.kernel.errors import InvalidArgument
from services.kernel.pages import encode_token, place_in

_LIST = {"list": "keys"}


@pytest.mark.parametrize(
    "position",
    [(10**30, "key_a"), (-(10**18), "key_a"), ("now", "key_a"), (1, 1), (1,), (1, "\0"), (1, "a", 1)],
)
def test_a_made_up_place_is_a_violation(position: tuple[str | int, ...]) -> None:
    """Tokens are not signed: one of the right form that names no instant and id is told, not a failure."""
    with pytest.raises(InvalidArgument):
        place_in(encode_token(_LIST, position), _LIST)
