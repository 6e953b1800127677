"""The delay that the switchboard adds to ringing: two phones of our own, beside whatever load there is."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.failure import BenchError
from harness.server import DOMAIN, PASSWORD, Server
from tongdai.sip.digest import Credentials, DigestClient
from tongdai.sip.message import Headers, Request, Response, parse

_PERIOD = 0.05
_ANSWER = 5.0
_STAMP = socket.SO_TIMESTAMPNS if hasattr(socket, "SO_TIMESTAMPNS") else 35
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio 9000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class _Phone:
    """A socket that says when the kernel received each message, however late this process is."""

    def __init__(self, server: Server, ip: str, user: int) -> None:
        self._server = (server.ip, server.port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
        self._socket.bind((ip, 0))
        self._socket.settimeout(_ANSWER)
        self._user = user
        self._numbers = 0
        self.here = f"{ip}:{self._socket.getsockname()[1]}"
        self.sdp = _SDP.format(ip=ip).encode()

    def close(self) -> None:
        self._socket.close()

    def send(self, message: Request | Response) -> float:
        """Returns the time before it was sent."""
        data = bytes(message)
        at = time.time()
        self._socket.sendto(data, self._server)
        return at

    def receive(self) -> tuple[Request | Response, float]:
        """The next message, and when the kernel had it. Raises `BenchError` when none comes."""
        try:
            data, about, _, _ = self._socket.recvmsg(65535, 64)
        except TimeoutError:
            raise BenchError(f"The phone at {self.here} waited {_ANSWER:.0f} s for nothing.") from None
        seconds, nanoseconds = struct.unpack("qq", about[0][2])
        return parse(data), seconds + nanoseconds / 1e9

    def until(self, status: int) -> tuple[Response, float]:
        """The next response of that status."""
        while True:
            message, at = self.receive()
            if isinstance(message, Response) and message.status == status:
                return message, at

    def until_asked(self, method: str) -> tuple[Request, float]:
        """The next request of that method."""
        while True:
            message, at = self.receive()
            if isinstance(message, Request) and message.method == method:
                return message, at

    def request(self, method: str, to: int, body: bytes = b"", **fields: str) -> Request:
        """A request of a new call, unless `fields` say of which."""
        self._numbers += 1
        number = f"{self.here}-{self._numbers}"
        headers = {
            "Via": f"SIP/2.0/UDP {self.here};branch=z9hG4bK{number};rport",
            "Max-Forwards": "70",
            "From": f"<sip:{self._user}@{DOMAIN}>;tag=f{number}",
            "To": f"<sip:{to}@{DOMAIN}>",
            "Call-ID": number,
            "CSeq": f"1 {method}",
            "Contact": f"<sip:{self._user}@{self.here}>",
            **{name.replace("_", "-"): value for name, value in fields.items()},
        }
        if body:
            headers["Content-Type"] = "application/sdp"
        return Request(method, f"sip:{to}@{DOMAIN}", headers=Headers.of(headers.items()), body=body)

    def proven(self, request: Request, challenge: Response, cseq: int) -> Request:
        """The same with the digest, under the next number and another branch."""
        client = DigestClient(Credentials(str(self._user), PASSWORD), lambda: "c0ffee")
        answer = client.answer(challenge, request.method, request.target)
        assert answer is not None, "a challenge that no phone can answer"
        self._numbers += 1
        headers = request.headers.copy()
        headers.set("Via", f"SIP/2.0/UDP {self.here};branch=z9hG4bK{self.here}-{self._numbers};rport")
        headers.set("CSeq", f"{cseq} {request.method}")
        headers.add(*answer)
        return Request(request.method, request.target, headers=headers, body=request.body)

    def register(self) -> None:
        """Be reachable here."""
        first = self.request("REGISTER", self._user)
        self.send(first)
        self.send(self.proven(first, self.until(401)[0], 2))
        self.until(200)


@contextmanager
def pair(server: Server, caller: int, callee: int) -> Iterator[tuple[_Phone, _Phone]]:
    """A caller and a registered callee."""
    phones = _Phone(server, server.callers, caller), _Phone(server, server.callees, callee)
    try:
        phones[1].register()
        yield phones
    finally:
        for phone in phones:
            phone.close()


def delays_ms(phones: tuple[_Phone, _Phone], callee: int, seconds: float) -> list[float]:
    """Twenty calls a second, one after the other; for each, what is added between the caller's authenticated
    INVITE and its 180, without the time that the callee took; in order of size."""
    found = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        found.append(1e3 * _added(*phones, callee))
        time.sleep(max(0.0, began + _PERIOD - time.monotonic()))
    return sorted(found)


def _added(caller: _Phone, called: _Phone, callee: int) -> float:
    first = caller.request("INVITE", callee, caller.sdp)
    caller.send(first)
    challenge, _ = caller.until(401)
    caller.send(_ack(caller, first, challenge, 1))
    invite = caller.proven(first, challenge, 2)
    sent = caller.send(invite)
    asked, heard = called.until_asked("INVITE")
    tag = {"to_tag": "callee", "headers": [("Contact", f"<sip:{called.here}>")]}
    rang = called.send(asked.response(180, **tag))  # type: ignore[arg-type]
    _, ringing = caller.until(180)
    sdp = [*tag["headers"], ("Content-Type", "application/sdp")]
    called.send(asked.response(200, None, sdp, called.sdp, to_tag="callee"))  # type: ignore[arg-type]
    answered, _ = caller.until(200)
    called.until_asked("ACK")
    caller.send(_ack(caller, invite, answered, 2))
    bye = caller.request(
        "BYE",
        callee,
        Call_ID=invite.call_id,
        CSeq="3 BYE",
        From=invite.headers.get("From") or "",
        To=answered.headers.get("To") or "",
    )
    caller.send(bye)
    caller.until(200)
    ended, _ = called.until_asked("BYE")
    called.send(ended.response(200))
    return (ringing - sent) - (rang - heard)


def _ack(caller: _Phone, invite: Request, response: Response, cseq: int) -> Request:
    headers = invite.headers.copy()
    if response.status == 200:
        headers.set("Via", f"{headers.get_all('Via')[0]}a")
    headers.set("CSeq", f"{cseq} ACK")
    headers.set("To", response.headers.get("To") or "")
    headers.remove("Content-Type")
    return Request("ACK", invite.target, headers=headers)
