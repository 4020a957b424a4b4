"""A readable reference as one static page, made from the OpenAPI document."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #888; --code: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 6rem; }
h2 { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
h3 { margin-top: 2.5rem; } h3 code { background: none; padding: 0; }
code { background: var(--code); border-radius: 3px; padding: .1em .3em; font-size: .9em; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; }
td { vertical-align: top; }
th { color: var(--quiet); font-weight: normal; } .quiet { color: var(--quiet); }
nav ul { columns: 2; padding-left: 1.2rem; } details { margin: .5rem 0; } summary { cursor: pointer; }
""".strip()


def docs_page(document: Mapping[str, Any]) -> str:
    """Return the page as HTML. It needs nothing from elsewhere."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = []
    links = []
    for tag in document["tags"]:
        name = tag["name"]
        parts.append(f"<h2>{_text(name)}</h2>")
        for path, method, operation in operations:
            if name in operation["tags"]:
                parts.append(_operation(document, path, method, operation))
                text = f"<code>{method.upper()} {_text(path)}</code>"
                links.append(f'<li><a href="#{operation["operationId"]}">{text}</a></li>')
    schemas = document["components"]["schemas"]
    title = _text(document["info"]["title"])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1>{_paragraphs(document['info']['description'])}"
        f'<p>The same for machines: <a href="/openapi.json">openapi.json</a></p>'
        f"<nav><ul>{''.join(links)}</ul></nav>{''.join(parts)}"
        f"<h2>Errors</h2>{_fields(document, schemas['Problem'])}{_list(schemas['ErrorCode']['description'])}"
        "</body></html>\n"
    )


def _operation(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> str:
    parts = [
        f'<h3 id="{operation["operationId"]}"><code>{method.upper()} {_text(path)}</code></h3>',
        _paragraphs(operation["description"]),
    ]
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [
            _row(
                each["name"],
                f"{_kind(each['schema'])}, in {each['in']}",
                each["required"],
                each["description"],
            )
            for each in parameters
        ]
        parts.append(f"<table><tr><th>Parameter</th><th>Kind</th><th></th></tr>{''.join(rows)}</table>")
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        parts.append(f"<p>Body</p>{_fields(document, _resolve(document, schema))}")
    status, answer = next(iter(operation["responses"].items()))
    media, content = next(iter(answer["content"].items()))
    fields = _fields(document, _resolve(document, content["schema"]))
    parts.append(f"<details><summary>{status} <code>{media}</code></summary>{fields}</details>")
    return "".join(parts)


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> str:
    rows = []
    required = schema.get("required", []) if schema.get("additionalProperties") is False else []
    for name, field in schema.get("properties", {}).items():
        row = _row(name, _kind(field), name in required, field.get("description", ""))
        inner = field.get("items", field)
        if "$ref" in inner and depth < 2 and not inner["$ref"].endswith("/ErrorCode"):
            nested = _fields(document, _resolve(document, inner), depth + 1)
            row += f"<tr><td></td><td colspan=2>{nested}</td></tr>"
        rows.append(row)
    return f"<table><tr><th>Field</th><th>Kind</th><th></th></tr>{''.join(rows)}</table>" if rows else ""


def _row(name: str, kind: str, required: bool, description: str) -> str:
    mark = ", required" if required else ""
    return (
        f'<tr><td><code>{_text(name)}</code></td><td class="quiet">{_text(kind)}{mark}</td>'
        f"<td>{_inline(description)}</td></tr>"
    )


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"object of {_kind(schema['additionalProperties'])}"
    return str(schema.get("format", schema.get("type", "any")))


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n"))


def _list(text: str) -> str:
    return (
        "<ul>"
        + "".join(f"<li>{_inline(line.removeprefix('- '))}</li>" for line in text.splitlines())
        + "</ul>"
    )


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _text(text: str) -> str:
    return html.escape(text, quote=True)
