"""Routers that rewrite SIP on its way ("SIP ALG"), each as far as it goes: none gets all of it right.

They work on bytes, as routers do, and know a phone's private address and one of the NAT.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Mangle = Callable[[bytes], bytes]


class Router:
    """What a router does to messages of a phone at `private`, for which it stands at `public`."""

    def __init__(self, private: str, public: str) -> None:
        self._private, self._public = private.encode(), public.encode()

    def contact(self, data: bytes) -> bytes:
        """Contact alone: the description has the private address still."""
        return self._lines(data, b"Contact", self._public)

    def contact_port(self, data: bytes) -> bytes:
        """Contact, with the port that the router meant to bind: the NAT has bound another."""
        return re.sub(rb"(?m)^(Contact: .*@)[^:>]+:\d+", rb"\g<1>" + self._public + b":1024", data)

    def via(self, data: bytes) -> bytes:
        """Via alone, with the port that the phone has inside."""
        return self._lines(data, b"Via", self._public)

    def description(self, data: bytes) -> bytes:
        """The description alone, and its length rightly."""
        head, body = _cut(data)
        return _join(head, body.replace(self._private, self._public))

    def description_port(self, data: bytes) -> bytes:
        """The description, with a port of sound that the NAT does not bind."""
        head, body = _cut(self.description(data))
        return _join(head, re.sub(rb"(?m)^m=audio \d+", b"m=audio 1026", body))

    def origin(self, data: bytes) -> bytes:
        """Only the line that says who described (o=), not the one that says where the sound is (c=)."""
        head, body = _cut(data)
        return _join(head, re.sub(rb"(?m)^(o=.*) \S+(?=\r)", rb"\g<1> " + self._public, body))

    def twice(self, data: bytes) -> bytes:
        """Two routers, one behind the other: the address that the first has outside stands in the
        description, and the one of the second in Contact."""
        head, body = _cut(data)
        return self.contact(_join(head, body.replace(self._private, b"100.64.7.7")))

    def everything(self, data: bytes) -> bytes:
        """Each place where the address stands but Call-ID."""
        return self.via(self.contact(self.description(data)))

    def without_rport(self, data: bytes) -> bytes:
        """Each place, and nothing asks for answers at the port that the NAT has bound (RFC 3581)."""
        return re.sub(rb"(?m)^(Via: [^\r]*);rport(?=[;\r])", rb"\1", self.everything(data))

    def cut_off(self, data: bytes) -> bytes:
        """A description that grew, under the length that it had: all but the first letter of its last line
        falls off."""
        head, body = _cut(data)
        return head + b"\r\n\r\n" + body.replace(b"s=-", b"s=" + b"-" * 12)

    def too_short(self, data: bytes) -> bytes:
        """A description that shrank, under the length that it had."""
        head, body = _cut(data)
        return head + b"\r\n\r\n" + body.replace(self._private, self._public)

    def _lines(self, data: bytes, name: bytes, address: bytes) -> bytes:
        head, body = _cut(data)
        lines = head.split(b"\r\n")
        changed = [x.replace(self._private, address) if x.startswith(name + b":") else x for x in lines]
        return b"\r\n".join(changed) + b"\r\n\r\n" + body


def _cut(data: bytes) -> tuple[bytes, bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def _join(head: bytes, body: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return re.sub(rb"(?m)^Content-Length: \d+", length, head) + b"\r\n\r\n" + body
