"""A bad network: a relay for UDP that loses, repeats, delays and reorders what passes; a seed decides."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Protocol

_Address = tuple[str, int]


@dataclass(frozen=True)
class Weather:
    """What happens to each datagram, either way. Shares are 0 to 1, times are seconds."""

    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    """The share that is held back by `late_by`, so that those sent later overtake it."""
    late_by: float = 0.05
    jitter: float = 0.0
    """The mean of a delay that is exponential."""


class Network:
    """Stands before a server: whoever sends to `address` reaches `server`, from a port of his own, and gets
    what comes back to that port."""

    def __init__(self, server: _Address, weather: Weather, *, seed: int) -> None:
        self.weather = weather
        self.passed = 0
        self.lost = 0
        self._server = server
        self._random = random.Random(seed)
        self._front: asyncio.DatagramTransport | None = None
        self._ways: dict[_Address, asyncio.DatagramTransport] = {}
        self._opening: dict[_Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Network:
        self._front = await self._bind(self._from_phone)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for transport in (self._front, *self._ways.values()):
            if transport is not None:
                transport.close()

    @property
    def address(self) -> _Address:
        """Where the phones are to send."""
        assert self._front is not None, "the network is not open"
        host, port = self._front.get_extra_info("sockname")
        return host, port

    def _from_phone(self, data: bytes, phone: _Address) -> None:
        way = self._ways.get(phone)
        if way is not None:
            self._send(way, data, self._server)
        elif phone in self._opening:
            self._opening[phone].append(data)
        else:
            self._opening[phone] = [data]
            task = asyncio.create_task(self._open_way(phone))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open_way(self, phone: _Address) -> None:
        def back(data: bytes, _: _Address) -> None:
            assert self._front is not None
            self._send(self._front, data, phone)

        way = await self._bind(back)
        self._ways[phone] = way
        for data in self._opening.pop(phone):
            self._send(way, data, self._server)

    def _send(self, way: asyncio.DatagramTransport, data: bytes, to: _Address) -> None:
        weather, chance = self.weather, self._random
        # Always as many draws, so that the fate of one datagram does not hang on the weather of another.
        lost, repeated, late = (
            chance.random() < share for share in (weather.lost, weather.repeated, weather.late)
        )
        delay = chance.expovariate(1.0) * weather.jitter + (weather.late_by if late else 0.0)
        if lost:
            self.lost += 1
            return
        self.passed += 1
        for again in range(1 + repeated):
            if delay or again:
                asyncio.get_running_loop().call_later(delay + 0.002 * again, _send_open, way, data, to)
            else:
                way.sendto(data, to)

    @staticmethod
    async def _bind(receive: _Receive) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Door(receive), local_addr=("127.0.0.1", 0)
        )
        return transport


class _Receive(Protocol):
    def __call__(self, data: bytes, source: _Address, /) -> None: ...


class _Door(asyncio.DatagramProtocol):
    def __init__(self, receive: _Receive) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        self._receive(data, addr)


def _send_open(way: asyncio.DatagramTransport, data: bytes, to: _Address) -> None:
    if not way.is_closing():
        way.sendto(data, to)
