"""The TCP transport on loopback connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tongdai.sip.flow import Flow
from tongdai.sip.message import Message, ParseError
from tongdai.sip.transport import stream
from tongdai.sip.transport.stream import StreamTransport, listen_tcp

OPTIONS = (
    b"OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKa\r\n"
    b"From: <sip:b@c>;tag=1\r\nTo: <sip:a@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
    b"Content-Length: 3\r\n\r\nabc"
)


class User:
    """Notes everything in one queue."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, object, Flow]] = asyncio.Queue()

    def on_message(self, message: Message, flow: Flow) -> None:
        self.queue.put_nowait(("message", message, flow))

    def on_bad_message(self, problem: ParseError, flow: Flow) -> None:
        self.queue.put_nowait(("bad", problem, flow))

    def on_lost(self, flow: Flow) -> None:
        self.queue.put_nowait(("lost", None, flow))

    async def next(self, name: str) -> tuple[object, Flow]:
        while True:
            got, what, flow = await asyncio.wait_for(self.queue.get(), 5)
            if got == name:
                return what, flow


@pytest.fixture
async def server() -> AsyncIterator[tuple[StreamTransport, User]]:
    user = User()
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user)
    yield transport, user
    await transport.close()


async def test_one_connection_serves_both_directions(server: tuple[StreamTransport, User]) -> None:
    listening, listener = server
    user = User()
    client = await StreamTransport.open(None, user, advertised=("127.0.0.1", 9))
    client.send(client.flow_to(listening.advertised), OPTIONS)
    client.send(client.flow_to(listening.advertised), OPTIONS)
    message, flow = await listener.next("message")
    await listener.next("message")
    assert isinstance(message, Message)
    assert message.body == b"abc"
    assert flow.connection
    listening.send(flow, OPTIONS)
    await user.next("message")
    assert (len(listening), len(client)) == (1, 1)
    await client.close()
    assert (await listener.next("lost"))[1] == flow


async def test_messages_are_cut_and_keepalives_answered(server: tuple[StreamTransport, User]) -> None:
    listening, listener = server
    reader, writer = await asyncio.open_connection(*listening.advertised)
    stream = b"\r\n\r\n" + OPTIONS + b"\r\n\r\n" + OPTIONS
    for i in range(0, len(stream), 7):
        writer.write(stream[i : i + 7])
        await writer.drain()
    await listener.next("message")
    await listener.next("message")
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\r\n\r\n"
    writer.close()


async def test_a_stream_without_framing_is_answered_and_closed(server: tuple[StreamTransport, User]) -> None:
    listening, listener = server
    reader, writer = await asyncio.open_connection(*listening.advertised)
    writer.write(OPTIONS.replace(b"Content-Length: 3\r\n", b"") + OPTIONS)
    problem, flow = await listener.next("bad")
    assert isinstance(problem, ParseError)
    assert problem.request is not None
    listening.send(flow, b"answer")
    assert await asyncio.wait_for(reader.read(), 5) == b"answer"
    writer.close()


async def test_a_peer_that_cannot_be_reached_is_reported(server: tuple[StreamTransport, User]) -> None:
    _, user = server
    closed = listen_tcp(("127.0.0.1", 0))
    address = closed.getsockname()
    closed.close()
    transport = server[0]
    transport.send(transport.flow_to(address), OPTIONS)
    assert (await user.next("lost"))[1] == transport.flow_to(address)


async def test_slow_connections_are_ended(
    server: tuple[StreamTransport, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    listening, listener = server
    monkeypatch.setattr(stream, "SLOW_SECONDS", -1.0)
    reader, writer = await asyncio.open_connection(*listening.advertised)
    writer.write(OPTIONS)
    await listener.next("message")
    writer.write(OPTIONS[:50])
    slow_reader, slow_writer = await asyncio.open_connection(*listening.advertised)
    while len(listening) < 2:
        await asyncio.wait_for(listening._loop.create_task(_turn()), 5)
    listening._sweep()
    assert await ends(slow_reader)
    assert await ends(reader)
    writer.close()
    slow_writer.close()


async def test_keep_alives_alone_keep_no_connection(
    server: tuple[StreamTransport, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger who sent an empty line now and then, and nothing else, kept a connection for ever."""
    listening, _ = server
    reader, writer = await asyncio.open_connection(*listening.advertised)
    writer.write(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(2), 5) == b"\r\n"
    (connection,) = listening._connections.values()
    monkeypatch.setattr(connection, "touched", connection.touched - stream.SLOW_SECONDS - 1)
    writer.write(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(2), 5) == b"\r\n"
    listening._sweep()
    assert await ends(reader)
    writer.close()


async def test_a_stream_that_is_always_in_the_middle_of_a_message_is_kept(
    server: tuple[StreamTransport, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy carrier's connection nearly always ends in half a message; what counts is what is finished."""
    listening, listener = server
    reader, writer = await asyncio.open_connection(*listening.advertised)
    writer.write(OPTIONS + OPTIONS[:60])
    await listener.next("message")
    (connection,) = listening._connections.values()
    monkeypatch.setattr(connection, "touched", connection.touched - stream.SLOW_SECONDS - 1)
    writer.write(OPTIONS[60:] + OPTIONS[:60])
    await listener.next("message")
    listening._sweep()
    assert len(listening) == 1
    writer.write(OPTIONS[60:])
    await listener.next("message")
    writer.close()
    del reader


async def test_who_says_very_much_lets_others_speak_in_between(server: tuple[StreamTransport, User]) -> None:
    """One connection that sent without a pause had a quarter of a megabyte read at once: everybody else, of
    whatever tenant, waited for it."""
    listening, listener = server
    _, loud = await asyncio.open_connection(*listening.advertised)
    _, quiet = await asyncio.open_connection(*listening.advertised)
    while len(listening) < 2:
        await asyncio.wait_for(listening._loop.create_task(_turn()), 5)
    one, other = listening._connections.values()
    if one.remote == quiet.get_extra_info("sockname"):
        one, other = other, one
    one.data_received(OPTIONS * 500)
    other.data_received(OPTIONS)
    flows = [listener.queue.get_nowait()[2] for _ in range(listener.queue.qsize())]
    assert other.flow in flows
    assert 0 < flows.count(one.flow) < 100
    for _ in range(500 - flows.count(one.flow)):
        await listener.next("message")
    loud.write(OPTIONS)
    _, flow = await listener.next("message")
    assert flow == one.flow, "it is read again"
    loud.close()
    quiet.close()


async def _turn() -> None:
    """One turn of the loop."""


async def ends(reader: asyncio.StreamReader) -> bool:
    """The server closed this connection."""
    try:
        return await asyncio.wait_for(reader.read(), 5) == b""
    except ConnectionResetError:
        return True


async def test_connections_beyond_the_limit_are_not_kept() -> None:
    user = User()
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, max_connections=1)
    _, first = await asyncio.open_connection(*transport.advertised)
    first.write(OPTIONS)
    await user.next("message")
    reader, second = await asyncio.open_connection(*transport.advertised)
    assert await ends(reader)
    assert len(transport) == 1
    first.close()
    second.close()
    await transport.close()


async def test_when_all_are_taken_who_has_the_most_gives_one_up() -> None:
    """All connections there can be were held by one stranger, and no phone came in any more."""
    user = User()
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, max_connections=4)
    address = transport.advertised
    crowd = [await asyncio.open_connection(*address, local_addr=("127.0.0.2", 0)) for _ in range(4)]
    while len(transport) < 4:
        await asyncio.wait_for(transport._loop.create_task(_turn()), 5)
    _, phone = await asyncio.open_connection(*address, local_addr=("127.0.0.3", 0))
    phone.write(OPTIONS)
    await user.next("message")
    assert len(transport) == 4
    assert await ends(crowd[0][0])
    late, writer = await asyncio.open_connection(*address, local_addr=("127.0.0.2", 0))
    assert await ends(late), "one more of those is not kept"
    phone.write(OPTIONS)
    await user.next("message")
    for _, each in [*crowd, (late, writer), (late, phone)]:
        each.close()
    await transport.close()
    while transport._by_host:
        await asyncio.wait_for(transport._loop.create_task(_turn()), 5)


async def test_who_has_promised_signs_of_life_and_gives_none_is_closed(
    server: tuple[StreamTransport, User], monkeypatch: pytest.MonkeyPatch
):
    """RFC 5626 §4.4.1: behind a NAT that forgot the connection nobody would ever say so."""
    listening, user = server
    reader, writer = await asyncio.open_connection(*listening.advertised)
    writer.write(OPTIONS)
    await user.next("message")
    [connection] = listening._connections.values()
    monkeypatch.setattr(connection, "touched", connection.touched - 200)
    connection.look_after(listening.time())
    assert not reader.at_eof()
    listening.expect(connection.flow, 135.0)
    connection.look_after(listening.time())
    assert await ends(reader)
    writer.close()
