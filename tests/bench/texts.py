"""
English text that every machine has: this repository's sample pages and Python's own documentation.

Nothing is fetched: the pages of `deploy/local/sample_kb`, the language reference that `help()` prints, and
the docstrings of the standard library, numpy and SQLAlchemy. Real prose of real authors. Which passages come
out depends on Python's version, so that a figure names the checksum of the text it was measured on.
"""

import ast
import hashlib
import random
import re
import sysconfig
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from pydoc_data.topics import topics

_PAGES = Path(__file__).parents[2] / "deploy" / "local" / "sample_kb"
_PACKAGES = ("numpy", "sqlalchemy")
_SHORTEST_WORDS = 12
_PIECE_WORDS = 26
_WORD = re.compile(r"[A-Za-z][a-z']*")
# Below this share of plain words a piece is code or a table.
_PROSE = 0.75


def passages(count: int, seed: int = 7) -> list[str]:
    """
    Return `count` distinct pieces of prose of 12 to 26 words, in an order that the seed chooses.

    Raises:
        RuntimeError: this Python brings fewer.
    """
    found = list(dict.fromkeys(piece for text in _sources() for piece in _pieces(text)))
    if len(found) < count:
        raise RuntimeError(f"only {len(found)} texts can be had here, not {count}")
    random.Random(seed).shuffle(found)
    return found[:count]


def checksum(texts: list[str]) -> str:
    """Return what tells one list of texts from another."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _sources() -> Iterator[str]:
    for page in sorted(_PAGES.rglob("*.md")):
        yield page.read_text(encoding="utf-8")
    yield from (text for _, text in sorted(topics.items()))
    library = Path(sysconfig.get_path("stdlib"))
    yield from _docstrings(path for path in sorted(library.rglob("*.py")) if not _installed(path))
    for name in _PACKAGES:
        package = find_spec(name)
        if package is not None and package.origin is not None:
            yield from _docstrings(sorted(Path(package.origin).parent.rglob("*.py")))


def _installed(path: Path) -> bool:
    return not {"site-packages", "dist-packages", "test", "tests"}.isdisjoint(path.parts)


def _docstrings(files: Iterator[Path] | list[Path]) -> Iterator[str]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, holders) and (text := ast.get_docstring(node)):
                yield text


def _pieces(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        if ">>>" in paragraph:
            continue
        words = paragraph.split()
        for start in range(0, len(words), _PIECE_WORDS):
            piece = words[start : start + _PIECE_WORDS]
            plain = sum(1 for word in piece if _WORD.fullmatch(word.strip(".,;:()'\"*")))
            if len(piece) >= _SHORTEST_WORDS and plain >= _PROSE * len(piece):
                yield " ".join(piece)
