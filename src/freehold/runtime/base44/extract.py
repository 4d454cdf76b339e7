"""Reading structured answers: JSON that a model wrote, tables in files, images in base64. Pure."""

import base64
import binascii
import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from freehold.kit import json_text
from freehold.runtime.base44.http import detailed

LONGEST_TEXT = 200_000
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


def json_object(text: str) -> object:
    """Read what a model was asked to write as JSON; an answer that is none is the provider's fault, and said so."""
    fenced = _FENCE.search(text)
    try:
        return json_text.read(fenced[1] if fenced else text)
    except ValueError as error:
        raise detailed(502, "The AI provider did not answer in the form that was asked for") from error


def table(name: str, content: bytes) -> list[Any] | None:
    """Give the rows of a CSV or JSON file; None for any other."""
    try:
        if name.lower().endswith(".json"):
            value = json_text.read(content)
            return value if isinstance(value, list) else [value]
        if name.lower().endswith(".csv"):
            return [dict(row) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))]
    except (ValueError, csv.Error) as error:
        raise detailed(422, "The file cannot be read as what its name says") from error
    return None


def shaped(rows: list[Any], schema: Mapping[str, Any]) -> object:
    """Give rows as the schema wants them: a list, or an object with one list in it; cells become its types."""
    if schema.get("type") == "array":
        items = schema.get("items")
        return [_typed(row, items) for row in rows]
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(part, Mapping) and part.get("type") == "array":
            return {name: [_typed(row, part.get("items")) for row in rows]}
    typed = [_typed(row, schema) for row in rows]
    return typed[0] if len(typed) == 1 else typed


def question(name: str, content: bytes, url: str) -> list[dict[str, object]]:
    """What a model is asked about a file."""
    words = "Extract the data from this file in the form that is asked for."
    if name.lower().endswith(_IMAGES):
        kind = "jpeg" if name.lower().endswith(("jpg", "jpeg")) else name.rpartition(".")[2].lower()
        data = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
        return [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": data}}]
    try:
        text = content.decode()[:LONGEST_TEXT]
    except UnicodeDecodeError as error:
        raise detailed(
            415, f"Files like {url.rpartition('/')[2]} cannot be read yet: use CSV, JSON, text or an image"
        ) from error
    return [{"type": "text", "text": f"{words}\n\n{text}"}]


def base64_bytes(value: object) -> bytes | None:
    """Read base64; None for what is none."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except binascii.Error:
        return None


def reason(body: Mapping[str, Any]) -> str:
    """Why a provider refused, in its own words and shortened."""
    error = body.get("error")
    found = error.get("message") if isinstance(error, Mapping) else error or body.get("message")
    return str(found or "no reason was given")[:300]


def _typed(row: object, schema: object) -> object:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(row, dict) or not isinstance(properties, Mapping):
        return row
    return {key: _cell(value, properties.get(key)) for key, value in row.items()}


def _cell(value: object, definition: object) -> object:
    kind = definition.get("type") if isinstance(definition, Mapping) else None
    if not isinstance(value, str) or kind not in ("number", "integer", "boolean"):
        return value
    try:
        return json_text.read(value.lower() if kind == "boolean" else value)
    except ValueError:
        return value
