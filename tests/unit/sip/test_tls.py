"""SIP over TLS: the same framing, over connections that only the peer opens."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.sip.test_stream import User

from tongdai.app.certificate import load
from tongdai.app.self_signed import make
from tongdai.core.clock import SystemClock
from tongdai.sip.flow import Flow
from tongdai.sip.transport import stream
from tongdai.sip.transport.stream import Peer, StreamTransport, listen_tcp

OPTIONS = (
    b"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK1\r\n"
    b"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
    b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    directory = tmp_path_factory.mktemp("tls")
    files: tuple[Path, Path] = (directory / "tls.crt", directory / "tls.key")
    make(*files, ["localhost"], 1_800_000_000.0)
    return load(*files)


@pytest.fixture
async def server(context: ssl.SSLContext) -> AsyncIterator[tuple[StreamTransport, User]]:
    user = User()
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, kind="tls", tls=context)
    yield transport, user
    await transport.close()


def anybody(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A phone that looks at no certificate."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.minimum_version = client.maximum_version = version
    return client


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_messages_come_in_and_answers_go_out(
    server: tuple[StreamTransport, User], version: ssl.TLSVersion
):
    transport, user = server
    reader, writer = await asyncio.open_connection(*transport.advertised, ssl=anybody(version))
    writer.write(OPTIONS)
    _, flow = await user.next("message")
    assert (flow.transport, flow.local) == ("tls", transport.advertised)
    transport.send(flow, b"answer")
    assert await asyncio.wait_for(reader.readexactly(6), 2) == b"answer"
    writer.write(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(2), 2) == b"\r\n"
    writer.close()


async def test_a_phone_that_is_gone_is_reported_and_never_called_back(
    server: tuple[StreamTransport, User],
):
    transport, user = server
    stranger = listen_tcp(("127.0.0.1", 0))
    flow = Flow("tls", transport.advertised, stranger.getsockname(), 77)
    transport.send(flow, OPTIONS)
    _, lost = await user.next("lost")
    assert lost == flow
    with pytest.raises(BlockingIOError):
        stranger.accept()
    stranger.close()


async def test_a_carrier_is_called_over_tls_and_both_prove_who_they_are(tmp_path: Path):
    """Mutual TLS: the carrier takes only whom it knows, and we talk only to who has the carrier's name."""
    theirs, ours = ((tmp_path / f"{who}.crt", tmp_path / f"{who}.key") for who in ("theirs", "ours"))
    make(*theirs, ["sip.carrier.example"], SystemClock().wall())
    make(*ours, ["pbx.example"], SystemClock().wall())
    context = load(*theirs)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ours[0])
    carrier, user = User(), User()
    far = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), carrier, kind="tls", tls=context)

    async def send(name: str, *, shown: bool) -> StreamTransport:
        client = ssl.create_default_context(cafile=theirs[0])
        if shown:
            client.load_cert_chain(*ours)
        near = await StreamTransport.open(
            listen_tcp(("127.0.0.1", 0)),
            user,
            kind="tls",
            tls=load(*ours),
            identity=lambda address: Peer(client, name) if address == far.advertised else None,
        )
        near.send(near.flow_to(far.advertised), OPTIONS)
        return near

    near = await send("sip.carrier.example", shown=True)
    _, flow = await carrier.next("message")
    far.send(flow, OPTIONS)
    _, flow = await user.next("message")
    assert flow.remote == far.advertised
    await near.close()
    for name, shown in (("another.example", True), ("sip.carrier.example", False)):
        near = await send(name, shown=shown)
        _, lost = await user.next("lost")
        assert lost.remote == far.advertised
        await near.close()
    await far.close()


async def test_a_connection_has_one_number_whatever_it_came_over(context: ssl.SSLContext):
    user, numbers = User(), itertools.count(1)
    tcp = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, numbers=numbers)
    tls = await StreamTransport.open(
        listen_tcp(("127.0.0.1", 0)), user, numbers=numbers, kind="tls", tls=context
    )
    seen = set()
    for transport, security in ((tcp, None), (tls, anybody()), (tcp, None)):
        _, writer = await asyncio.open_connection(*transport.advertised, ssl=security)
        writer.write(OPTIONS)
        _, flow = await user.next("message")
        seen.add(flow.connection)
        writer.close()
    assert len(seen) == 3
    await tcp.close()
    await tls.close()


async def test_who_does_not_speak_tls_is_closed_and_disturbs_nobody(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "HANDSHAKE_SECONDS", 0.2)
    user = User()
    transport = await StreamTransport.open(listen_tcp(("127.0.0.1", 0)), user, kind="tls", tls=context)
    half_open, silent = await asyncio.open_connection(*transport.advertised)
    plain, writer = await asyncio.open_connection(*transport.advertised)
    writer.write(OPTIONS)
    _, phone = await asyncio.open_connection(*transport.advertised, ssl=anybody())
    phone.write(OPTIONS)
    _, flow = await user.next("message")
    assert flow.transport == "tls"
    for reader in (plain, half_open):
        with contextlib.suppress(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 2)  # its end, perhaps after an alert
    assert len(transport) == 1
    for open_one in (silent, writer, phone):
        open_one.close()
    await transport.close()
