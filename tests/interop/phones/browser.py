"""A real Chromium without a screen, and phones in its pages (JsSIP; see ../browser), driven over the DevTools
protocol."""

from __future__ import annotations

import asyncio
import functools
import http.server
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.interop.phones.raw import Account
from tests.interop.phones.sound import write_tone
from websockets.asyncio.client import ClientConnection, connect

FOLDER = Path(__file__).parent.parent / "browser"
PAGE = FOLDER / "build" / "page.js"
AXE = FOLDER.parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 45.0
"""Seconds: CI starts browsers, servers and voices on two cores at once."""

MICROPHONE = 760
"""Hz that the suite's browser is spoken to with."""

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # On a machine that has no network but this the pages would have no address to be reached at.
    "--allow-loopback-in-peer-connection",
    # A demo that is not on loopback has a certificate of its own.
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
)


class Failed(AssertionError):
    """What a page threw."""


class Chromium:
    """A line to the browser, through which pages are opened and asked."""

    def __init__(self, devtools: ClientConnection, page: str) -> None:
        self._devtools = devtools
        self._page = page
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.ensure_future(self._read())
        self._phones: list[WebPhone] = []

    async def _read(self) -> None:
        async for text in self._devtools:
            message = json.loads(text)
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    async def ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._devtools.send(json.dumps(message | ({"sessionId": session} if session else {})))
        async with asyncio.timeout(PATIENCE + 15):  # it may wait in the page for as long
            answer = await future
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    async def evaluate(self, session: str, expression: str) -> Any:
        """The value of an expression in a page, as if a person had asked for it; a promise is awaited. Raises
        `Failed` with what the page throws."""
        answer = await self.ask(
            "Runtime.evaluate",
            session,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failed(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def phone(self, account: Account, server: str) -> WebPhone:
        """A page whose phone is registered with the WebSocket `server`."""
        target = (await self.ask("Target.createTarget", url=self._page))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        phone = WebPhone(self, target, session)
        self._phones.append(phone)
        await phone.loaded()
        await phone.do("register", server, account.aor, account.password)
        return phone

    async def close(self) -> None:
        for phone in self._phones:
            await phone.close()
        self._reader.cancel()
        await self._devtools.close()


class WebPhone:
    """One page. The methods of `window.phone` by name; each raises `Failed` with what the page says."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    async def loaded(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self._evaluate("typeof window.phone") != "object":
                await asyncio.sleep(0.05)

    async def do(self, method: str, *arguments: object) -> Any:
        return await self._evaluate(f"phone.{method}({', '.join(map(json.dumps, arguments))})")

    async def _evaluate(self, expression: str) -> Any:
        return await self._browser.evaluate(self._session, expression)

    async def close(self) -> None:
        await self._browser.ask("Target.closeTarget", targetId=self._target)


class Process:
    """The browser's process; its microphone hears a tone of this frequency, for ever. `within` is a command
    that runs it elsewhere, and `inside` how a socket gets there; `served` is its page, where that is
    elsewhere."""

    def __init__(
        self,
        directory: Path,
        frequency: int,
        *,
        within: Sequence[str] = (),
        inside: Callable[[], AbstractContextManager[None]] = nullcontext,
        served: Served | None = None,
    ) -> None:
        program = shutil.which("chromium")
        assert program is not None, "chromium is missing: run `make test-packages`"
        assert PAGE.is_file(), "the page of the browser tests is not built: run `make test-packages`"
        microphone, self._profile = directory / "microphone.wav", directory / "profile"
        write_tone(microphone, frequency, 10)
        self._inside = inside
        self._served = served or Served()
        self._process = subprocess.Popen(
            [
                *within,
                program,
                *_FLAGS,
                f"--unsafely-treat-insecure-origin-as-secure={self._served.origin}",
                f"--use-file-for-fake-audio-capture={microphone}",
                f"--user-data-dir={self._profile}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Chromium]:
        """A line to the browser; the pages that were opened through it are closed with it."""
        address = await self._devtools()
        with self._inside():
            line = socket.create_connection(("127.0.0.1", urlsplit(address).port or 0))
        line.setblocking(False)
        browser = Chromium(await connect(address, sock=line, proxy=None, max_size=None), self._served.page)
        try:
            yield browser
        finally:
            await browser.close()

    async def _devtools(self) -> str:
        """Chromium writes where it listens into its profile."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    port, path = (self._profile / "DevToolsActivePort").read_text().split()
                except (OSError, ValueError):
                    await asyncio.sleep(0.05)
                else:
                    return f"ws://127.0.0.1:{port}{path}"

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Like the lid of a laptop: nothing of it runs, and the world goes on."""
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._served.close()


class Served:
    """The page, on a port of its own: a microphone is given to pages of a trusted host, not to files."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        (PAGE.parent / "index.html").write_text('<!doctype html><script src="page.js"></script>')
        handler = functools.partial(_Handler, directory=str(PAGE.parent))
        self._server = http.server.ThreadingHTTPServer((host, 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.origin = f"http://{host}:{self._server.server_port}"
        self.page = f"{self.origin}/index.html"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class has that name)
        """Nothing."""
