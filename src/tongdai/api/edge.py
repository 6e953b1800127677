"""The outermost layer: limits what comes in, adds what every answer carries, counts."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tongdai.api.access import is_https
from tongdai.api.metrics import WebMetrics
from tongdai.api.problems import Problem
from tongdai.core.clock import Clock
from tongdai.speech.jobs import MOST_BYTES

JSON_BYTES = 1 << 20
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000")


def is_sound(content_type: str) -> bool:
    """Whether a body of this type may be sound. Browsers tell the type of a file by its name, and take Ogg
    and WebM for video too."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith(("audio/", "video/")) or kind == "application/ogg"


class _TooLarge(Exception):
    pass


class Edge:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, metrics: WebMetrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock.monotonic()
        status = 500
        extra = [*_HEADERS, _HSTS] if is_https(HTTPConnection(scope)) else _HEADERS
        limit = MOST_BYTES if self._is_sound(scope) else JSON_BYTES
        got = 0

        async def limited() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > limit:
                raise _TooLarge
            return message

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in extra if name not in present),
                ]
            await send(message)

        try:
            await self._app(scope, limited, dressed)
        except _TooLarge:
            refusal = Problem(413, "too_large", f"More than {limit >> 10} KiB came.", "Send less.").response()
            await refusal(scope, receive, dressed)
        finally:
            self._metrics.count(scope["method"], status, self._clock.monotonic() - began)

    @staticmethod
    def _is_sound(scope: Scope) -> bool:
        return any(
            name == b"content-type" and is_sound(value.decode("latin-1")) for name, value in scope["headers"]
        )
