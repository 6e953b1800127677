"""A small SIP phone of our own: what third-party phones cannot be told to do, and an ear for RTP.

It keeps to RFC 3261 as a phone does (retransmission, digest, dialogs, ACK) and lets a test step off the path:
send a request by hand, answer or not, wait for exactly one message.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.interop.phones.call import RawCall
from tests.interop.phones.link import Address, Link, Reply, TcpLink, TlsLink, UdpLink, WebSocketLink
from tests.interop.phones.sip import (
    BRANCH,
    Challenge,
    Message,
    challenges,
    credentials,
    parameter,
    uri_of,
    user_of,
)
from tests.interop.phones.sound import PATIENCE

_T1 = 0.5
_GIVE_UP = 10.0


@dataclass(frozen=True)
class Account:
    """What a phone must know to be somebody: where the server is and as whom to log in."""

    username: str
    password: str
    server: Address
    domain: str = ""

    @property
    def aor(self) -> str:
        return f"sip:{self.username}@{self.domain or self.server[0]}"

    def uri(self, target: str) -> str:
        """The URI to dial `target` (an extension, a number or a whole URI) at this server."""
        if target.startswith(("sip:", "sips:", "tel:")):
            return target
        return f"sip:{target}@{self.domain or f'{self.server[0]}:{self.server[1]}'}"


class RawPhone:
    """One device: an account, a socket, and the calls on it."""

    def __init__(
        self,
        account: Account,
        *,
        tone: int,
        transport: str = "udp",
        host: str = "127.0.0.1",
        port: int = 0,
        media_host: str = "",
        mapped: Mapping[str, str] | None = None,
    ) -> None:
        """`media_host` is where its sound is, when that is not `host`; `mapped` are public addresses of the
        server that a NAT on the way leads elsewhere."""
        self.account = account
        self.tone = tone
        self.silent = False
        """Whether its calls begin without its tone."""
        self.host = host
        self.media_host = media_host or host
        self.mapped = dict(mapped or {})
        self.calls: list[RawCall] = []
        self.received: list[Message] = []
        self.codecs: list[int] = [0, 8]
        self.protocol = "RTP/AVP"
        self.attributes: list[str] = []
        """What else it says of its stream."""
        self.on_invite: Callable[[RawCall], None] | None = None
        self.give_up = _GIVE_UP
        """Seconds until an answer is not waited for any more."""
        self._transport = transport
        self.tls: tuple[ssl.SSLContext | None, ssl.SSLContext | None] = None, None
        """Of a phone over TLS: what it shows to who connects, and what it wants of whom it connects to."""
        self._port = port
        self._link: Link | None = None
        self._incoming: asyncio.Queue[RawCall] = asyncio.Queue()
        self._waiting: dict[tuple[str, str], asyncio.Queue[Message]] = {}
        self._answers: dict[tuple[str, str], tuple[Message, Reply]] = {}
        self._registration = (f"{secrets.token_hex(8)}@{host}", secrets.token_hex(4))
        self._cseq = 0
        self._is_registered = False
        self._nonces: dict[str, int] = {}

    async def open(self) -> RawPhone:
        """Bind the socket; nothing is sent yet."""
        links: dict[str, type[TcpLink | UdpLink | WebSocketLink]]
        links = {"udp": UdpLink, "tcp": TcpLink, "tls": TlsLink, "ws": WebSocketLink}
        link = links[self._transport](self.account.server, self._on_message)
        if isinstance(link, TlsLink):
            link.serves, link.asks = self.tls
        await link.open((self.host, self._port))
        self._link = link
        return self

    async def close(self) -> None:
        """Hang up what is left, unregister, close the socket."""
        for call in self.calls:
            await call.drop()
        if self._is_registered:
            await self.register(0, give_up=1.0)
        if self._link is not None:
            self._link.close()

    def vanish(self) -> None:
        """Be gone as when the cable is pulled: the binding stays, the port is free."""
        self._is_registered = False
        self.link.close()

    @property
    def link(self) -> Link:
        assert self._link is not None, "the phone is not open"
        return self._link

    @property
    def contact(self) -> str:
        host, port = bracketed(self.link.local[0]), self.link.local[1]
        suffix = "" if self.link.transport == "UDP" else f";transport={self.link.transport.lower()}"
        return f"<sip:{self.account.username}@{host}:{port}{suffix}>"

    # --- requests of ours

    async def register(
        self,
        expires: int = 300,
        *,
        contact: str = "",
        headers: Sequence[tuple[str, str]] = (),
        give_up: float = 0.0,
    ) -> Message:
        """REGISTER, answering a challenge; returns the final response, whatever it is."""
        request = self.request(
            "REGISTER", f"sip:{self.account.domain or self.account.server[0]}", self.account.aor
        )
        request.headers = [h for h in request.headers if h[0] not in ("Call-ID", "From")]
        request.add("Call-ID", self._registration[0])
        request.add("From", f"<{self.account.aor}>;tag={self._registration[1]}")
        request.add("Contact", contact or self.contact)
        request.add("Expires", str(expires))
        for name, value in headers:
            request.add(name, value)
        response = await self.send(request, give_up=give_up)
        self._is_registered = response.status == 200 and expires > 0
        return response

    async def registered(self, expires: int = 300) -> RawPhone:
        """Register or fail; returns the phone."""
        response = await self.register(expires)
        assert response.status == 200, f"{self.account.username} could not register:\n{response}"
        return self

    async def unregister(self) -> Message:
        return await self.register(0)

    def request(self, method: str, uri: str, to: str) -> Message:
        """A new request outside of any dialog, ready to be sent."""
        self._cseq += 1
        message = Message(method=method, uri=uri)
        message.add("Max-Forwards", "70")
        message.add("From", f"<{self.account.aor}>;tag={secrets.token_hex(4)}")
        message.add("To", f"<{to}>")
        message.add("Call-ID", f"{secrets.token_hex(8)}@{self.host}")
        message.add("CSeq", f"{self._cseq} {method}")
        message.add("User-Agent", "raw-phone")
        return message

    async def send(
        self,
        request: Message,
        *,
        on_provisional: Callable[[Message], None] | None = None,
        give_up: float = 0.0,
    ) -> Message:
        """Send a request, log in when challenged, and again when that nonce is stale; returns the final
        response, or a 408 of our own."""
        response = await self.transact(request, on_provisional, give_up)
        for again in (False, True):
            asked = [c for c in challenges(response) if c.algorithm.upper() == "MD5"]
            if response.status not in (401, 407) or not asked or (again and not asked[0].stale):
                break
            self.log_in(request, asked[0])
            response = await self.transact(request, on_provisional, give_up)
        return response

    def log_in(
        self, request: Message, challenge: Challenge, *, count: int = 0, password: str | None = None
    ) -> None:
        """Put credentials into a request that is to be sent again, with the next CSeq."""
        number, method = request.cseq
        self._cseq = max(self._cseq, number + 1)
        self._nonces[challenge.nonce] = count or self._nonces.get(challenge.nonce, 0) + 1
        header = credentials(
            challenge,
            self.account.username,
            self.account.password if password is None else password,
            method,
            request.uri,
            self._nonces[challenge.nonce],
        )
        kept = [h for h in request.headers if h[0] not in ("CSeq", "Authorization", "Proxy-Authorization")]
        request.headers = [*kept, ("CSeq", f"{number + 1} {method}"), header]

    async def transact(
        self,
        request: Message,
        on_provisional: Callable[[Message], None] | None = None,
        give_up: float = 0.0,
    ) -> Message:
        """One client transaction (RFC 3261 §17.1): repeats on UDP, ACKs a failure, returns the final."""
        branch = self.add_via(request)
        _, method = request.cseq
        queue = self._waiting[branch, method] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        deadline, interval, answered = loop.time() + (give_up or self.give_up), _T1, False
        self.link.send(request)
        while True:
            wait = deadline - loop.time()
            if wait <= 0:
                return Message(status=408, reason="Nothing Came")
            retransmit = not self.link.reliable and not (answered and method == "INVITE")
            try:
                response = await asyncio.wait_for(queue.get(), min(wait, interval) if retransmit else wait)
            except TimeoutError:
                if retransmit:
                    self.link.send(request)
                    interval = min(interval * 2, 4.0)
                continue
            answered = True
            if response.status >= 200:
                if method == "INVITE" and response.status >= 300:
                    self._ack_failure(request, response)
                return response
            if on_provisional is not None:
                on_provisional(response)

    def add_via(self, request: Message) -> str:
        """Put a fresh Via on top; returns its branch."""
        branch = BRANCH + secrets.token_hex(8)
        host, port = bracketed(self.link.local[0]), self.link.local[1]
        via = f"SIP/2.0/{self.link.transport} {host}:{port};branch={branch};rport"
        request.headers = [("Via", via), *(h for h in request.headers if h[0] != "Via")]
        return branch

    async def call(
        self, target: str, *, wait: str = "answered", headers: list[tuple[str, str]] | None = None
    ) -> RawCall:
        """Dial; returns when the call is answered, rings (`wait="ringing"`), or at once (`wait="sent"`)."""
        call = RawCall(self, outgoing=True)
        self.calls.append(call)
        await call.invite(self.account.uri(target), headers or [])
        if wait == "answered":
            await call.answered()
        elif wait == "ringing":
            await call.ringing()
        return call

    async def rings(self, within: float = PATIENCE) -> RawCall:
        """Wait for an incoming call; 180 is sent when this returns, unless `on_invite` decided otherwise."""
        try:
            return await asyncio.wait_for(self._incoming.get(), within)
        except TimeoutError:
            raise AssertionError(f"{self.account.username} did not ring within {within} s") from None

    async def stays_quiet(self, lasting: float = 1.0) -> None:
        """Fail when the phone rings within that time."""
        await asyncio.sleep(lasting)
        assert self._incoming.empty(), f"{self.account.username} rang and should not have"

    # --- messages of others

    def _on_message(self, message: Message, reply: Reply) -> None:
        self.received.append(message)
        if not message.is_request:
            queue = self._waiting.get((message.branch, message.cseq[1]))
            if queue is not None:
                queue.put_nowait(message)
                self._repeat_ack(message)
            return
        key = (message.branch, message.method)
        if key in self._answers and message.method != "ACK":
            earlier, _ = self._answers[key]
            if earlier.status:
                reply(earlier)
            return
        self._serve(message, reply)

    def respond(
        self, request: Message, reply: Reply, status: int, reason: str, *, tag: str = "", **more: str
    ) -> Message:
        """Answer a request, and its retransmissions; `more` are headers (`content_type=`) and `body`."""
        response = Message(status=status, reason=reason, body=more.pop("body", ""))
        for name in ("via", "record-route"):
            for value in request.all(name):
                response.add(name.title(), value)
        to = request.get("to")
        if tag and not parameter(to, "tag"):
            to += f";tag={tag}"
        for name, value in (("From", request.get("from")), ("To", to), ("Call-ID", request.call_id)):
            response.add(name, value)
        response.add("CSeq", request.get("cseq"))
        for name, value in more.items():
            response.add(name.replace("_", "-").title(), value)
        if status >= 200 or status > 100:
            self._answers[request.branch, request.method] = (response, reply)
        reply(response)
        return response

    def _serve(self, request: Message, reply: Reply) -> None:
        call = self._call_of(request)
        if call is not None:
            call.on_request(request, reply)
        elif request.method == "INVITE":
            self._answers[request.branch, "INVITE"] = (Message(), reply)
            call = RawCall(self, outgoing=False)
            self.calls.append(call)
            call.offered(request, reply)
            if self.on_invite is not None:
                self.on_invite(call)
            else:
                call.ring()
            self._incoming.put_nowait(call)
        elif request.method in ("OPTIONS", "NOTIFY", "MESSAGE"):
            self.respond(request, reply, 200, "OK", tag=secrets.token_hex(4))
        elif request.method != "ACK":
            self.respond(request, reply, 481, "Call Does Not Exist", tag=secrets.token_hex(4))

    def _call_of(self, request: Message) -> RawCall | None:
        return next((call for call in self.calls if call.call_id == request.call_id), None)

    def _ack_failure(self, request: Message, response: Message) -> None:
        ack = Message(method="ACK", uri=request.uri)
        ack.headers = [
            h for h in request.headers if h[0] in ("Via", "Max-Forwards", "From", "Call-ID", "Route")
        ]
        ack.add("To", response.get("to"))
        ack.add("CSeq", f"{request.cseq[0]} ACK")
        self.link.send(ack)

    def _repeat_ack(self, response: Message) -> None:
        if response.cseq[1] == "INVITE" and 200 <= response.status < 300:
            for call in self.calls:
                if call.call_id == response.call_id:
                    call.acknowledge_again(response)


def caller_of(invite: Message) -> str:
    """The number or extension that a callee would show: the user part of From."""
    return user_of(invite.get("from"))


def bracketed(host: str) -> str:
    """A host as it stands in URIs and Via: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def contact_uri(message: Message) -> str:
    """The URI of the Contact header."""
    return uri_of(message.get("contact"))
