"""What takes webhooks in tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any


class Receiver:
    """Takes requests; `answers` are given one after the other, then 200. An empty one says nothing at all."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[bytes] = []
        self.connections = 0
        self.news = asyncio.Condition()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alarms?of=tongdai"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with self.news:
                self.connections += 1
                self.news.notify_all()
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["Content-Length"]))
            answer = self.answers.pop(0) if self.answers else b"HTTP/1.1 200 OK\r\n\r\n"
            async with self.news:
                self.got.append(({"": head[0], **headers}, body))
                self.news.notify_all()
            if answer:
                writer.write(answer)
            else:
                await reader.read()
            writer.close()

    def said(self) -> list[dict[str, Any]]:
        """Every body, as JSON."""
        return [json.loads(body) for _, body in self.got]

    async def hears(self, alarm: str, state: str, within: float) -> dict[str, Any]:
        """Wait until it was told of this alarm in this state; returns what."""

        def found() -> dict[str, Any] | None:
            return next((x for x in self.said() if (x["alarm"], x["state"]) == (alarm, state)), None)

        async with asyncio.timeout(within), self.news:
            await self.news.wait_for(lambda: found() is not None)
        told = found()
        assert told is not None
        return told
