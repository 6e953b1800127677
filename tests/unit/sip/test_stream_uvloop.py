"""On a real product's loop, phones over TCP got no answer: uvloop's transport is no `asyncio.Transport`."""

from __future__ import annotations

import asyncio

import uvloop

from tongdai.sip.flow import Flow
from tongdai.sip.message import Message, ParseError
from tongdai.sip.transport.stream import StreamTransport, listen_tcp

REQUEST = (
    b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\n"
    b"From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


class User:
    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[Message, Flow]] = asyncio.Queue()

    def on_message(self, message: Message, flow: Flow) -> None:
        self.messages.put_nowait((message, flow))

    def on_bad_message(self, problem: ParseError, flow: Flow) -> None:
        raise AssertionError(problem)

    def on_lost(self, flow: Flow) -> None:
        """Not looked at here."""


async def talk() -> None:
    user = User()
    listening = listen_tcp(("127.0.0.1", 0))
    transport = await StreamTransport.open(listening, user)
    reader, writer = await asyncio.open_connection(*transport.advertised)
    writer.write(REQUEST)
    _, flow = await user.messages.get()
    transport.send(flow, b"answer")
    assert await reader.readexactly(6) == b"answer"
    # a flow that a former process has numbered alike, but to another peer, is not this connection
    stranger = Flow("tcp", flow.local, ("127.0.0.1", 9), flow.connection)
    transport.send(stranger, b"not for you")
    transport.send(flow, b"again!")
    assert await reader.readexactly(6) == b"again!"
    writer.close()
    await transport.close()


def test_a_phone_over_tcp_is_answered_on_uvloop():
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(talk())
