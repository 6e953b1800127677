"""The ASGI application: every route, problems, and OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from tongdai.api import problems, site
from tongdai.api.context import Context
from tongdai.api.edge import Edge
from tongdai.api.routes import ROUTERS

DESCRIPTION = """
The whole of tongdai over HTTP: what a page can do, a programme can.

**Sign in** with `POST /api/v1/sign-in` (a cookie) or send `Authorization: Bearer TOKEN` with a token made
by `POST /api/v1/me/tokens`. The **provider** may do everything; an **administrator** everything in his
tenant; an **employee** reads the company's directory and does what is his own.

**Lists** come in pages (`limit`, `cursor`; follow `next`). **Errors** are problems by RFC 9457 with a
`code`, the field and the way out (`remedy`). Answers have an **ETag**; send it as `If-Match` and nobody's
change is overwritten. Send an **Idempotency-Key** with every POST that makes something, and repeat it
without fear.

A change is live for the next call when the answer comes; what cannot be made live (503) was not saved.

**Live events** come over one WebSocket, `/api/v1/tenants/{tenant}/events`: see docs/api.md.
"""


def make_app(context: Context, more: Iterable[APIRouter] = ()) -> FastAPI:
    """The application over this context, with `more` than the API."""
    app = _described(more)
    app.state.context = context
    problems.install(app)
    site.install(app)
    app.add_middleware(Edge, metrics=context.metrics, clock=context.clock)
    return app


def openapi() -> dict[str, Any]:
    """What `/openapi.json` says; the client of web/ is made from it."""
    return _described().openapi()


def _described(more: Iterable[APIRouter] = ()) -> FastAPI:
    app = FastAPI(
        title="tongdai",
        version=_version(),
        summary="A virtual PBX: people, devices, calls, voicemail, live.",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    for router in (*ROUTERS, *more):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            license_info=app.license_info,
            separate_input_output_schemas=False,
        )
        schema["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token of /api/v1/me/tokens."},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "tongdai_session"},
        }
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                if path not in OPEN:
                    operation["security"] = [{"bearer": []}, {"cookie": []}]
        app.openapi_schema = schema
    return app.openapi_schema


OPEN = ("/api/v1/sign-in", "/api/v1/sign-in/offers", "/healthz", "/metrics", "/metrics/control")
"""Paths that ask for nobody to be signed in."""


def _version() -> str:
    try:
        return version("tongdai")
    except PackageNotFoundError:
        return "0"
