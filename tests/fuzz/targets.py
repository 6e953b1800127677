"""What is fuzzed, and what must hold whatever comes: an error of ours or a result that makes sense.

A target takes bytes and raises for a defect only. `python -m tests.fuzz NAME` feeds it with what atheris
makes up; `test_corpus.py` replays what is kept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from tests.unit.sip.network import Recorder, SeededIds

from tongdai import sdp
from tongdai.sip.digest import Credentials, DigestClient, DigestServer, Verdict, ha1
from tongdai.sip.flow import Flow
from tongdai.sip.message import (
    AuthValue,
    Headers,
    Message,
    NameAddr,
    ParseError,
    Reason,
    Replaces,
    Request,
    Response,
    SipUri,
    StreamParser,
    Via,
    parse,
)
from tongdai.sip.transport.websocket import WebSocketFraming, origins
from tongdai.sip.ua import InviteSession, UserAgent

FLOW = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.9", 5060))
REALM = "tongdai"

T = TypeVar("T")
V = TypeVar("V")

_READ: tuple[Callable[[Message], object], ...] = (
    lambda m: m.via,
    lambda m: m.vias,
    lambda m: m.from_.uri,
    lambda m: m.to.uri,
    lambda m: m.cseq,
    lambda m: [contact.uri for contact in m.contacts],
    lambda m: m.contact,
    lambda m: [hop.uri for hop in m.route],
    lambda m: m.record_route,
    lambda m: m.expires,
    lambda m: m.number("Max-Forwards"),
    lambda m: m.tokens("Require"),
    lambda m: m.auth("Authorization"),
    lambda m: m.auth("WWW-Authenticate"),
    lambda m: m.content_type,
    lambda m: m.sdp,
    lambda m: m.uri if isinstance(m, Request) else None,
)


def message(data: bytes) -> None:
    """One datagram: it reads or is refused; what reads, prints and reads back as the same."""
    try:
        read = parse(data)
    except ParseError as problem:
        if problem.request is not None:
            bytes(problem.request.response(problem.status))
        return
    for look in _READ:
        _try(look, read)
    assert parse(bytes(read)) == read
    if isinstance(read, Request):
        bytes(read.response(200, to_tag="x"))


def stream(data: bytes) -> None:
    """The first byte says where the rest is cut: what comes out does not depend on it."""
    if not data:
        return
    whole, pieces = StreamParser(), StreamParser()
    step = data[0] or 1
    found = [str(item) for item in whole.feed(data[1:])]
    cut = [str(item) for at in range(1, len(data), step) for item in pieces.feed(data[at : at + step])]
    assert found == cut
    assert whole.pending <= 2 * 65_536


_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: sip\r\n\r\n"
)


def websocket(data: bytes) -> None:
    """The first byte says where the rest is cut, and, when odd, that a handshake went before: then what comes
    out does not depend on the cuts. Nobody makes us say more than they said."""
    if not data:
        return
    whole, pieces = (WebSocketFraming(origins(["192.0.2.1"])) for _ in range(2))
    step, sent, opened = data[0] // 2 or 1, data[1:], bool(data[0] & 1)
    if opened:
        for framing in (whole, pieces):
            assert not framing.feed(_HANDSHAKE)
            assert framing.replies().startswith(b"HTTP/1.1 101 ")
    found = [str(item) for item in whole.feed(sent)]
    cut = [str(item) for at in range(0, len(sent), step) for item in pieces.feed(sent[at : at + step])]
    said, also = whole.replies(), pieces.replies()
    if opened:
        assert (found, whole.ended) == (cut, pieces.ended)
        # what answers pings overtakes what answers keep-alives, which have none once an end came along
        assert sorted(said) == sorted(also) or whole.ended
    assert max(len(said), len(also)) <= len(sent) + 1024


def _answering() -> Recorder:
    """An owner that says yes to everything."""

    def answer(session: InviteSession) -> None:
        session.progress(180)
        session.accept("v=0\r\n")

    owner = Recorder()
    for method in ("register", "options", "request"):
        owner.on[method] = lambda incoming: incoming.respond(200)
    owner.on["invite"] = answer
    owner.on["reinvite"] = lambda session, sdp: session.accept_reinvite("v=0\r\n")
    owner.on["refer"] = lambda session, refer: session.accept_refer(refer)
    owner.on["message"] = lambda session, incoming: incoming.respond(405)
    return owner


def agent(data: bytes) -> None:
    """Datagrams with NUL NUL NUL between, to a whole user agent: it answers each a few times at most, and
    all is over when their time is."""
    now = 1000.0
    ua = UserAgent(_answering(), clock=lambda: now, ids=SeededIds("fuzz"))
    for piece in data.split(b"\0\0\0")[:8]:
        ua.receive(piece, FLOW, now)
        assert len(ua.drain()) <= 8
        now += 0.01
    for _ in range(2):
        for session in ua.sessions():
            session.bye()
        while (at := ua.deadline()) is not None and at < now + 200.0:
            now = at
            ua.on_timers(now)
            ua.drain()
    assert not ua.sessions()
    assert not ua.transactions()


def description(data: bytes) -> None:
    """A session description: it reads or is refused, prints as the same, and can be answered or not."""
    text = data.decode("utf-8", "replace")
    try:
        offer = sdp.parse(text)
    except sdp.SdpError:
        return
    assert sdp.parse(str(offer)) == offer
    here = sdp.LocalMedia("192.0.2.1", 4000)
    try:
        answer, _ = sdp.answer(
            offer, here, (sdp.PCMU, sdp.TELEPHONE_EVENT), session_id=1, version=1, key=lambda suite: "a" * 40
        )
    except sdp.SdpError:
        return
    assert len(answer.media) == len(offer.media)
    assert sdp.parse(str(answer)) == answer


def digest(data: bytes) -> None:
    """Credentials and a challenge of anybody: nobody is let in, and what we answer can be read."""
    text = data.decode("utf-8", "replace")
    if "\r" in text or "\n" in text:
        return
    server = DigestServer(b"k" * 32)
    request = Request("REGISTER", "sip:example.com", headers=Headers.of([("Authorization", text)]))
    hashes = {"MD5": ha1("1001", REALM, "secret", "MD5")}
    found = server.verify(request, REALM, 1000.0, lambda name: hashes if name == "1001" else None)  # type: ignore[arg-type,return-value]
    assert found.verdict is not Verdict.OK
    numbers = count()
    client = DigestClient(Credentials("us", "secret"), lambda: f"c{next(numbers)}")
    answer = client.answer(
        Response(401, "", headers=Headers.of([("WWW-Authenticate", text)])), "INVITE", "sip:example.com"
    )
    if answer is not None:
        assert AuthValue.parse(answer[1]).params["username"] == "us"


def uri(data: bytes) -> None:
    """Addresses and the values that hold them: they read or are refused, and print as the same."""
    text = data.decode("utf-8", "replace")
    read = _try(SipUri.parse, text)
    if read is not None:
        again = SipUri.parse(str(read))
        assert again.equivalent(read), (text, str(read))
    for kind in (NameAddr, Via, Replaces, Reason):
        value = _try(kind.parse, text)
        if value is not None and "\n" not in text and "\r" not in text:
            assert str(kind.parse(str(value))) == str(value), (kind, text)


def _try(read: Callable[[V], T], value: V) -> T | None:
    try:
        return read(value)
    except ParseError:
        return None


TARGETS: dict[str, Callable[[bytes], None]] = {
    "message": message,
    "stream": stream,
    "websocket": websocket,
    "agent": agent,
    "sdp": description,
    "digest": digest,
    "uri": uri,
}
