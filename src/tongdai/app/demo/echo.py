"""A UDP port that sends every RTP packet back to where it came from."""

from __future__ import annotations

import asyncio
from typing import Any, cast


class EchoPort(asyncio.DatagramProtocol):
    """The far end of an outside call to a number where no phone is."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str) -> EchoPort:
        """Bind a free port of this host."""
        loop = asyncio.get_running_loop()
        _, port = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        return port

    @property
    def number(self) -> int:
        """The port's number."""
        assert self._transport is not None, "the port is not open"
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(data, addr)

    def close(self) -> None:
        """Stop echoing."""
        if self._transport is not None:
            self._transport.close()
