"""Phones that know their part by heart and read no more of a message than it takes: what they cost is little,
and the same in every run."""

from __future__ import annotations

import hashlib
import re
from collections import deque

from harness.indoors import flow_from
from harness.server import CALLEES, CALLERS, DOMAIN, PASSWORD
from tongdai.sip.flow import Flow

Inbox = deque[tuple[bytes, Flow]]

_REALM = re.compile(rb'realm="([^"]+)", nonce="([^"]+)"')
_CALL = re.compile(rb"Call-ID: ([0-9]+)")
_TO = re.compile(rb"\r\n(To: [^\r]+)")
_CONTACT = re.compile(rb"\r\nContact: <([^>]+)>")
_ECHOED = re.compile(rb"\r\n((?:Via|From|Call-ID|CSeq): [^\r]+)")

_HERE, _THERE = "127.0.0.2", "127.0.0.3"
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=ptime:20\r\na=sendrecv\r\n"
)
_ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"


def _with_body(head: str, body: str) -> bytes:
    return f"{head}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _request(method: str, uri: str, to: str, user: int, call: int, cseq: int, at: str) -> str:
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK-{call}-{cseq}-{method[0]};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:{user}@{DOMAIN}>;tag={call}c\r\n{to}\r\nCall-ID: {call}\r\n"
        f"CSeq: {cseq} {method}\r\n"
    )


def _proof(challenge: bytes, user: int, method: str, uri: str) -> str:
    found = _REALM.search(challenge)
    assert found is not None, challenge
    realm, nonce = (text.decode() for text in found.groups())

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    secret, about = md5(f"{user}:{realm}:{PASSWORD}"), md5(f"{method}:{uri}")
    response = md5(f"{secret}:{nonce}:00000001:c0ffee:auth:{about}")
    return (
        f'Authorization: Digest username="{user}",realm="{realm}",cnonce="c0ffee",nc=00000001,qop=auth,'
        f'uri="{uri}",nonce="{nonce}",response="{response}",algorithm=MD5\r\n'
    )


class Puppets:
    """Phones on both ends of what is measured. Each of it has a number, which is its Call-ID."""

    def begin(self, number: int) -> tuple[bytes, Flow]:
        """The first message of it."""
        raise NotImplementedError

    def hear(self, flow: Flow, data: bytes, inbox: Inbox) -> bool:
        """Control sent this; what a phone says to it goes into the inbox. True when one has come to its
        end."""
        raise NotImplementedError


class Registering(Puppets):
    """REGISTER, 401, REGISTER with digest, 200."""

    def __init__(self, accounts: range, first: int, host: str = _HERE, port: int = 0) -> None:
        self._accounts = accounts
        self._first = first
        self._host = host
        self._port = port

    def _about(self, number: int) -> tuple[int, str, Flow]:
        user = self._accounts[number % len(self._accounts)]
        port = self._port or user
        return user, f"{self._host}:{port}", flow_from(self._host, port)

    def _register(self, number: int, cseq: int, proof: str = "") -> bytes:
        user, at, _ = self._about(number)
        to = f"To: <sip:{user}@{DOMAIN}>"
        head = _request("REGISTER", f"sip:{DOMAIN}", to, user, self._first + number, cseq, at)
        return (
            f"{head}Contact: <sip:{user}@{at}>\r\n{proof}Expires: 3600\r\nUser-Agent: bench\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()

    def begin(self, number: int) -> tuple[bytes, Flow]:
        return self._register(number, 1), self._about(number)[2]

    def hear(self, flow: Flow, data: bytes, inbox: Inbox) -> bool:
        call = _CALL.search(data)
        assert call is not None, data
        number = int(call[1]) - self._first
        if data.startswith(b"SIP/2.0 401"):
            proof = _proof(data, self._about(number)[0], "REGISTER", f"sip:{DOMAIN}")
            inbox.append((self._register(number, 2, proof), flow))
            return False
        assert data.startswith(b"SIP/2.0 200"), data
        return True


class Calling(Puppets):
    """INVITE, 401, ACK, INVITE, 180, 200, ACK, BYE, 200, and the callee's leg."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._caller = flow_from(_HERE, 5062)
        self._callee = flow_from(_THERE, 5064)

    def _users(self, number: int) -> tuple[int, int]:
        return CALLERS[number % len(CALLERS)], CALLEES[number % len(CALLEES)]

    def _of_caller(self, method: str, number: int, cseq: int, uri: str = "", to: bytes = b"") -> str:
        user, callee = self._users(number)
        uri = uri or f"sip:{callee}@{DOMAIN}"
        told = to.decode() or f"To: <sip:{callee}@{DOMAIN}>"
        return _request(method, uri, told, user, self._first + number, cseq, f"{_HERE}:5062")

    def _invite(self, number: int, cseq: int, proof: str = "") -> bytes:
        head = self._of_caller("INVITE", number, cseq)
        contact = f"Contact: <sip:{self._users(number)[0]}@{_HERE}:5062>\r\n"
        return _with_body(f"{head}{contact}{proof}{_ALLOW}User-Agent: bench\r\n", _SDP.format(_HERE))

    def begin(self, number: int) -> tuple[bytes, Flow]:
        return self._invite(number, 1), self._caller

    def hear(self, flow: Flow, data: bytes, inbox: Inbox) -> bool:
        if flow.remote[0] == _THERE:
            self._as_callee(data, inbox)
            return False
        call, to = _CALL.search(data), _TO.search(data)
        assert call is not None, data
        assert to is not None, data
        number = int(call[1]) - self._first
        if data.startswith(b"SIP/2.0 401"):
            ack = self._of_caller("ACK", number, 1, to=to[1]) + "Content-Length: 0\r\n\r\n"
            inbox.append((ack.encode(), self._caller))
            user, callee = self._users(number)
            proof = _proof(data, user, "INVITE", f"sip:{callee}@{DOMAIN}")
            inbox.append((self._invite(number, 2, proof), self._caller))
        elif data.startswith(b"SIP/2.0 200"):
            if b" BYE\r\n" in data:
                return True
            contact = _CONTACT.search(data)
            assert contact is not None, data
            for method, cseq in (("ACK", 2), ("BYE", 3)):
                head = self._of_caller(method, number, cseq, contact[1].decode(), to[1])
                inbox.append((f"{head}Content-Length: 0\r\n\r\n".encode(), self._caller))
        else:
            assert data.startswith(b"SIP/2.0 1"), data
        return False

    def _as_callee(self, data: bytes, inbox: Inbox) -> None:
        method = data[: data.index(b" ")]
        if method == b"ACK":
            return
        echoed = "\r\n".join(line.decode() for line in _ECHOED.findall(data))
        to = _TO.search(data)
        assert to is not None, data
        if method == b"BYE":
            ended = f"SIP/2.0 200 OK\r\n{echoed}\r\n{to[1].decode()}\r\nContent-Length: 0\r\n\r\n"
            inbox.append((ended.encode(), self._callee))
            return
        assert method == b"INVITE", data
        about = f"{echoed}\r\n{to[1].decode()};tag=1s\r\nContact: <sip:bench@{_THERE}:5064>\r\n"
        inbox.append((f"SIP/2.0 180 Ringing\r\n{about}Content-Length: 0\r\n\r\n".encode(), self._callee))
        inbox.append((_with_body(f"SIP/2.0 200 OK\r\n{about}{_ALLOW}", _SDP.format(_THERE)), self._callee))


class Strangers(Puppets):
    """What shows no password: INVITE, 401."""

    def __init__(self, first: int) -> None:
        self._calls = Calling(first)

    def begin(self, number: int) -> tuple[bytes, Flow]:
        return self._calls.begin(number)

    def hear(self, flow: Flow, data: bytes, inbox: Inbox) -> bool:
        return True
