"""The YAML block that may open a Markdown file."""

from __future__ import annotations

import re
from typing import Any

import yaml

_BLOCK = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """
    Splits a file into the fields of its front matter and the rest.

    What is no mapping in correct YAML is no front matter: the file is returned as it is.
    """
    block = _BLOCK.match(text)
    if block is None:
        return {}, text
    try:
        fields = yaml.load(block.group(1), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        return {}, text
    if fields is not None and not isinstance(fields, dict):
        return {}, text
    return fields or {}, text[block.end() :].lstrip("\r\n")
