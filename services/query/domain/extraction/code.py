"""Pieces of code, apart from the fences around them."""

_FENCES = ("```", "~~~")


def within_fences(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the lines between the fences of `text[start:end]` stand; all of it where it has none."""
    first, last = start, end
    if text[start:end].lstrip().startswith(_FENCES):
        first = text.find("\n", start, end) + 1 or end
    line = max(first, text.rfind("\n", first, end) + 1)
    if text[line:end].lstrip().startswith(_FENCES):
        last = line
    last = first + len(text[first:last].rstrip())
    return (first, last) if first < last else (start, end)
