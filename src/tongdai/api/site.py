"""The pages, which `make setup` built out of web/ into `pages/`, and the one document that loads them."""

from __future__ import annotations

import mimetypes
import secrets
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Match, Route

from tongdai.api.access import sip_socket_secure
from tongdai.api.context import context
from tongdai.api.problems import Problem

PAGES = Path(__file__).parent / "pages"

_IMMUTABLE = "public, max-age=31536000, immutable"
_PACKED = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}
_WORKER = "worker.js"
_WORKER_POLICY = "default-src 'none'; connect-src 'self'"
_NOT_PAGES = ("api", "assets", "healthz", "metrics", "openapi.json", "index.html")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self' {sip}; media-src 'self' blob:; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Site:
    """Reads the list of files once: what is asked for is looked up in it, never in the file system."""

    def __init__(self, folder: Path = PAGES) -> None:
        self._files = {
            str(path.relative_to(folder)): path
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".") and ".vite" not in path.parts
        }
        index = self._files.get("index.html")
        self._index = index.read_text() if index is not None else None

    async def answer(self, request: Request) -> Response:
        """A file of the pages; or the document, whose script shows the page that the address names."""
        name = request.path_params["path"]
        if name in self._files and name != "index.html":
            return self._file(request, name)
        if name.partition("/")[0] in _NOT_PAGES or Path(name).suffix:
            _refuse_method(request)
            raise Problem(
                404, "no_such_place", "There is nothing at this address.", "/openapi.json lists all there is."
            )
        return self._document(request)

    def _file(self, request: Request, name: str) -> Response:
        path = self._files[name]
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        hashed = name.startswith("assets/")
        headers = {"Cache-Control": _IMMUTABLE if hashed else "no-cache", "Vary": "Accept-Encoding"}
        if name == _WORKER:
            headers["Content-Security-Policy"] = _WORKER_POLICY
        accepted = {
            coding.partition(";")[0].strip()
            for coding in request.headers.get("accept-encoding", "").split(",")
            if not coding.replace(" ", "").endswith(";q=0")
        }
        for coding, ending in _PACKED:
            packed = self._files.get(name + ending)
            if coding in accepted and packed is not None:
                return FileResponse(packed, media_type=kind, headers={**headers, "Content-Encoding": coding})
        return FileResponse(path, media_type=kind, headers=headers)

    def _document(self, request: Request) -> Response:
        if self._index is None:
            raise Problem(
                404, "pages_not_built", "The pages are not built.", "Run `make setup`; the API works without."
            )
        nonce = secrets.token_urlsafe(16)
        ctx = context(request)
        host = request.url.hostname or ctx.sip.host
        scheme = "wss" if sip_socket_secure(request) else "ws"
        sip = f"{scheme}://{f'[{host}]' if ':' in host else host}:{ctx.sip.ws}"
        return Response(
            self._index.replace("%NONCE%", nonce),
            media_type="text/html",
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": _POLICY.format(nonce=nonce, sip=sip),
                "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
                "Cross-Origin-Opener-Policy": "same-origin",
            },
        )


def _refuse_method(request: Request) -> None:
    """Raises 405 where the API has this address for other methods: what takes every GET hides that."""
    methods = [
        method
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if any(x.matches({**request.scope, "method": method})[0] is Match.FULL for x in request.app.routes)
    ]
    if methods:
        raise HTTPException(405, headers={"Allow": ", ".join(methods)})


def install(app: Starlette) -> None:
    """After every other route: whatever is no address of the API may be a page's."""
    app.router.routes.append(Route("/{path:path}", Site().answer, methods=["GET"], include_in_schema=False))
