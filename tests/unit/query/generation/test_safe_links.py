"""Links in what a model wrote."""

import pytest

from services.query.domain.generation.safe_links import with_safe_links

ALLOWED = {"https://help.example/a"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See [the page](https://help.example/a).", "See [the page](https://help.example/a)."),
        ("See [the page](https://help.example/a/).", "See [the page](https://help.example/a/)."),
        ("See [the page](https://evil.example/?q=secret).", "See the page."),
        ("See [the page](https://help.example/a?q=secret).", "See the page."),
        (
            "See [the page](https://help.example/a 'title').",
            "See [the page](https://help.example/a 'title').",
        ),
        ("See [the page](//evil.example).", "See the page."),
        ("See [the page](javascript:alert(1)).", "See the page."),
        ("See [the page](mailto:evil@evil.example).", "See the page."),
        ("See [the page](<https://evil.example>).", "See the page."),
        ("See [the page][1a].\n[1a]: https://evil.example", "See the page.\n"),
        ("![x](https://evil.example/?q=secret) Done.", " Done."),
        ("![x](https://help.example/a) Done.", " Done."),
        ("![x](https://evil.example/?q=sec", ""),
        ('<img src="https://evil.example/?q=1"> Done.', " Done."),
        ('<a href="https://evil.example">here</a>', "here"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)", ""),
        ("<https://help.example/a>", "https://help.example/a"),
        ("Write `<b>` and `[a](b)`.", "Write `<b>` and `[a](b)`."),
        ("data:text/html;base64,AAAA", ""),
        ("It costs 12 euros [1][2].", "It costs 12 euros [1][2]."),
        ("If a < b and c > d.", "If a < b and c > d."),
    ],
)
def test_links(text: str, expected: str) -> None:
    """Only links to addresses of the passages stay; images and HTML never do; code is left alone."""
    assert with_safe_links(text, ALLOWED) == expected
