"""Tells a URL of alarms. Of each alarm only the latest news waits, and it is tried until it is taken: nothing
grows while the receiver is away, and no alarm is lost to it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import SplitResult

import msgspec

from tongdai.app.alarms.alarms import Notice
from tongdai.app.alarms.outbound import AlarmHook, may_be_called, read_networks, read_url
from tongdai.core.log import get_logger

log = get_logger(__name__)

TOTAL_SECONDS = 5.0
"""For one try: name, connection, request and answer."""
AGAIN_SECONDS = (1.0, 5.0, 15.0)
"""Pauses after failures; the last one repeats."""


class Refused(Exception):
    """It was not taken; why."""


class Webhook:
    """`tell` never waits; `run` sends."""

    def __init__(
        self,
        hook: AlarmHook,
        server: str,
        *,
        total: float = TOTAL_SECONDS,
        again: tuple[float, ...] = AGAIN_SECONDS,
    ) -> None:
        """`server` is how this installation calls itself. Raises ValueError for a bad URL or network."""
        self._url: SplitResult | None = read_url(hook.url) if hook.url else None
        self._secret = hook.secret.encode()
        self._networks = read_networks(hook.networks)
        self._server = server
        self._total = total
        self._again = again
        self._waiting: dict[str, Notice] = {}
        self._work = asyncio.Event()
        self._names: ThreadPoolExecutor | None = None

    @property
    def backlog(self) -> int:
        """How many alarms have news that were not taken yet."""
        return len(self._waiting)

    def tell(self, notice: Notice) -> None:
        if self._url is not None:
            self._waiting.pop(notice.alarm, None)
            self._waiting[notice.alarm] = notice
            self._work.set()

    async def run(self) -> None:
        """Send what there is to tell; ends by being cancelled."""
        failures = 0
        while True:
            await self._work.wait()
            notice = next(iter(self._waiting.values()), None)
            if notice is None:
                self._work.clear()
                continue
            try:
                async with asyncio.timeout(self._total):
                    await self._send(notice)
            except (OSError, TimeoutError, ValueError, Refused, EOFError) as error:
                why = str(error) or type(error).__name__
                log.error("the webhook of alarms fails; tried again", alarm=notice.alarm, error=why)
                await _pause(self._again[min(failures, len(self._again) - 1)])
                failures += 1
                continue
            failures = 0
            if self._waiting.get(notice.alarm) is notice:
                del self._waiting[notice.alarm]

    async def _send(self, notice: Notice) -> None:
        url = self._url
        assert url is not None, "there is nobody to tell"
        host, secure = url.hostname or "", url.scheme == "https"
        port = url.port or (443 if secure else 80)
        address = await self._address(host, port)
        reader, writer = await asyncio.open_connection(
            address,
            port,
            ssl=ssl.create_default_context() if secure else None,
            server_hostname=host if secure else None,
        )
        try:
            writer.write(self._request(url, notice))
            await writer.drain()
            status = _status(await reader.readuntil(b"\r\n"))
        finally:
            writer.close()
        if not 200 <= status < 300:
            raise Refused(f"it answered {status}")

    async def _address(self, host: str, port: int) -> str:
        """The one that is connected to: it has been looked at."""
        if self._names is None:  # of its own: a name server that hangs shall keep nobody else's thread
            self._names = ThreadPoolExecutor(1, thread_name_prefix="webhook-names")
        found = await asyncio.get_running_loop().run_in_executor(
            self._names, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        for *_, place in found:
            if may_be_called(str(place[0]), self._networks):
                return str(place[0])
        raise Refused(
            f"{host} is not in the public Internet; name its network in webhook_networks if it is meant"
        )

    def _request(self, url: SplitResult, notice: Notice) -> bytes:
        body = msgspec.json.encode(
            {
                "alarm": notice.alarm,
                "state": "over" if notice.over else "on",
                "detail": notice.detail,
                "since": _iso(notice.since),
                "at": _iso(notice.at),
                "server": self._server,
            }
        )
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        head = [
            f"POST {path} HTTP/1.1",
            f"Host: {url.netloc}",
            "User-Agent: tongdai",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        if self._secret:
            signed = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            head.append(f"X-Tongdai-Signature: sha256={signed}")
        return "\r\n".join([*head, "", ""]).encode("ascii") + body

    def close(self) -> None:
        if self._names is not None:
            self._names.shutdown(wait=False, cancel_futures=True)


def _status(line: bytes) -> int:
    """Of a status line (RFC 9112 §4). Raises `Refused`."""
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise Refused("its answer is no HTTP")
    return int(rest[:3])


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _pause(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
