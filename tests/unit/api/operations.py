"""Every operation of the OpenAPI, each with a body that it would take: tests are made of these, so that a new
route cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from fastapi import FastAPI


class Operation(msgspec.Struct, frozen=True):
    """`parameters` are those of the path; `body` is None where there is none."""

    method: str
    path: str
    parameters: tuple[str, ...]
    body: Any
    content: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.removeprefix('/api/v1')}"

    def request(self) -> dict[str, Any]:
        """The body as arguments for httpx."""
        if self.content == "application/json":
            return {"json": self.body}
        return {"content": self.body, "headers": {"Content-Type": self.content}} if self.content else {}


def operations(app: FastAPI) -> Iterator[Operation]:
    schema = app.openapi()
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            contents = operation.get("requestBody", {}).get("content", {})
            content = next(iter(contents), "")
            body = contents[content].get("example") if content else None
            if content and body is None:
                body = sample(contents[content]["schema"], schema["components"]["schemas"])
            names = tuple(x["name"] for x in operation.get("parameters", ()) if x["in"] == "path")
            yield Operation(method.upper(), path, names, body, content)


def sample(schema: dict[str, Any], named: dict[str, Any]) -> Any:
    """The least that fits: required properties only, examples where the schema has them."""
    if "$ref" in schema:
        return sample(named[schema["$ref"].rpartition("/")[2]], named)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("examples", "enum", "anyOf", "oneOf"):
        if word in schema:
            first = schema[word][0]
            return sample(first, named) if word in ("anyOf", "oneOf") else first
    match schema["type"]:
        case "object":
            needed = schema.get("required", ())
            return {name: sample(schema["properties"][name], named) for name in needed}
        case "array":
            return [sample(schema["items"], named)] * schema.get("minItems", 0)
        case "string":
            return "x" * schema.get("minLength", 1)
        case "boolean":
            return True
        case kind:
            return {"integer": 1, "number": 1.0}[kind]
