import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import InvalidArgument
from services.kernel.pages import decode_token, encode_token, page_size


@given(st.lists(st.one_of(st.text(), st.integers()), min_size=1), st.dictionaries(st.text(), st.text()))
def test_token_gives_back_its_position(position: list[str | int], filters: dict[str, str]) -> None:
    """A token gives back the position that it was made of."""
    assert decode_token(encode_token(filters, position), filters) == tuple(position)


def test_token_of_other_filters_is_refused() -> None:
    """A token goes on only with the list that it came from."""
    token = encode_token({"status": "failed"}, ["a"])
    with pytest.raises(InvalidArgument) as refused:
        decode_token(token, {"status": "indexed"})
    assert refused.value.violations[0].pointer == "/page_token"


@given(st.text(min_size=1))
def test_garbage_is_refused_as_a_token(token: str) -> None:
    """No text but a token of ours is taken, and none makes it fail otherwise."""
    with pytest.raises(InvalidArgument):
        decode_token(token, {})


@pytest.mark.parametrize(("requested", "used"), [(0, 50), (1, 1), (200, 200)])
def test_page_size(requested: int, used: int) -> None:
    """Nothing asked for stands for 50."""
    assert page_size(requested) == used


@pytest.mark.parametrize("requested", [-1, 201])
def test_page_size_outside_its_range_is_refused(requested: int) -> None:
    """A page has 1 to 200 items."""
    with pytest.raises(InvalidArgument):
        page_size(requested)


def test_a_deep_token_is_refused() -> None:
    """A token that nests deeper than Python can follow is garbage like any other."""
    with pytest.raises(InvalidArgument):
        decode_token(base64.urlsafe_b64encode(b"[" * 30_000).decode(), {})
