"""STUN on the port of SIP: a phone behind a NAT asks for its address outside, which keeps the NAT's binding
open (RFC 5626 §3.5.2 and §8, RFC 5389)."""

from __future__ import annotations

import ipaddress
import struct

from tongdai.sip.flow import Address

_COOKIE = b"\x21\x12\xa4\x42"
_REQUEST, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111
_ERROR_CODE, _UNKNOWN_ATTRIBUTES, _XOR_MAPPED_ADDRESS = 0x0009, 0x000A, 0x0020
_OPTIONAL = 0x8000
"""An attribute from here on need not be understood (RFC 5389 §15)."""
_HEADER = 20
_MOST_NAMED = 4  # attributes that a 420 names: whose address was forged shall not get much more than was sent


def answer(data: bytes, remote: Address) -> bytes | None:
    """The answer to a Binding request that came from `remote` (an IP literal); None for everything else.

    Nothing proves who asks, and nothing needs to (RFC 5626 §8): the answer tells no more than where the
    datagram came from.
    """
    if len(data) < _HEADER or len(data) % 4 or data[4:8] != _COOKIE:
        return None
    kind, length = struct.unpack_from("!HH", data)
    if kind != _REQUEST or length != len(data) - _HEADER:
        return None
    transaction = data[8:_HEADER]
    unknown: list[int] = []
    at = _HEADER
    while at < len(data):
        attribute, size = struct.unpack_from("!HH", data, at)
        at += 4 + (size + 3) // 4 * 4
        if at > len(data):
            return None
        if attribute < _OPTIONAL:
            unknown.append(attribute)
    if unknown:
        named = unknown[:_MOST_NAMED]
        body = _attribute(_ERROR_CODE, b"\0\0\x04\x14") + _attribute(
            _UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(named)}H", *named)
        )
        return _message(_ERROR, transaction, body)
    return _message(_SUCCESS, transaction, _attribute(_XOR_MAPPED_ADDRESS, _xored(remote, transaction)))


def _xored(remote: Address, transaction: bytes) -> bytes:
    """Hidden from NATs that rewrite addresses wherever they see one (RFC 5389 §15.2)."""
    host, port = remote
    address = ipaddress.ip_address(host)
    hidden = bytes(one ^ other for one, other in zip(address.packed, _COOKIE + transaction, strict=False))
    return struct.pack("!BBH", 0, 1 if address.version == 4 else 2, port ^ 0x2112) + hidden


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + _COOKIE + transaction + body
