"""Pieces of the grammar that several header fields share (RFC 3261 §25.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from socket import AF_INET6, inet_pton

from tongdai.sip.message.errors import ParseError

Params = dict[str, str | None]
"""Parameters in order; names in lower case; None for a parameter without a value."""

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
# host = hostname / IPv4address / IPv6reference ; "_" is not in the grammar but in many names
HOST = r"(?:[A-Za-z0-9_.\-]+|\[[0-9A-Fa-f:.]+\])"
# quoted-string = DQUOTE *(qdtext / quoted-pair) DQUOTE
QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'

is_token = re.compile(TOKEN).fullmatch
_is_plain_value = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:@/?&=$#]*").fullmatch
_plain_params = re.compile(rf"(?:;{TOKEN}(?:=[A-Za-z0-9\-.!%*_+`'~\[\]:@/?&$#]*)?)+").fullmatch
_param = re.compile(rf"\s*({TOKEN})\s*(?:=\s*({QUOTED}|[^\s;,\"]*)\s*)?(?:;|$)").match
_split_at = re.compile(r'[",<>]').finditer
_closing_quote = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL).match
_escaped = re.compile(r"\\(.)", re.DOTALL)


def decode_text(data: bytes) -> str:
    """UTF-8 (RFC 3261 §25.1), or Latin-1 as some phones send it: always text that can be stored and sent
    again."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def unquote(text: str) -> str:
    """The content of a quoted-string; other text as it is."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        text = text[1:-1]
        if "\\" in text:
            text = _escaped.sub(r"\1", text)
    return text


def quote(text: str) -> str:
    """A quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_params(text: str) -> Params:
    """Read `;a=1;b` (what follows a value). Raises `ParseError` for an empty or repeated parameter."""
    params: Params = {}
    if not text:
        return params
    if _plain_params(text):  # nearly all: no space, no quote
        for part in text[1:].split(";"):
            name, equals, value = part.partition("=")
            params[name.lower()] = value if equals else None
        if len(params) <= text.count(";") - 1:
            raise ParseError("a parameter twice")
        return params
    if text[0] != ";":
        text = text.lstrip()
        if not text.startswith(";"):
            raise ParseError(f"unexpected text {text[:40]!r} before parameters")
    if '"' in text:
        return _parse_quoted_params(text)
    for part in text[1:].split(";"):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not is_token(name):
            raise ParseError(f"bad parameter name {name[:40]!r}")
        if name in params:
            raise ParseError(f"parameter {name!r} twice")
        if equals:
            value = value.strip()
            if not _is_plain_value(value):
                raise ParseError(f"bad value of parameter {name!r}")
            params[name] = value
        else:
            params[name] = None
    return params


def _parse_quoted_params(text: str) -> Params:
    params: Params = {}
    position = 1
    while True:
        found = _param(text, position)
        if found is None:
            raise ParseError(f"bad parameters {text[position:][:40]!r}")
        name = found[1].lower()
        if name in params:
            raise ParseError(f"parameter {name!r} twice")
        value = found[2]
        if value and value[0] != '"' and not _is_plain_value(value):
            raise ParseError(f"bad value of parameter {name!r}")
        params[name] = None if value is None else unquote(value)
        position = found.end()
        if position == len(text):
            if text[-1] == ";":
                raise ParseError("empty parameter")
            return params


def print_params(params: Mapping[str, str | None]) -> str:
    """`{"a": "1", "b": None}` -> `;a=1;b`, quoting what is no token."""
    if not params:
        return ""
    out = []
    for name, value in params.items():
        if value is None:
            out.append(f";{name}")
        elif value and _is_plain_value(value):
            out.append(f";{name}={value}")
        else:
            out.append(f";{name}={quote(value)}")
    return "".join(out)


def split_list(value: str) -> list[str]:
    """Split at the commas between elements: not those in quoted-strings or inside <>.

    Raises `ParseError` for an empty element or an unclosed quote.
    """
    if "," not in value:
        elements = [value.strip()]
    else:
        elements = []
        start = 0
        inside = False
        skip_to = 0
        for found in _split_at(value):
            at = found.start()
            if at < skip_to:
                continue
            mark = value[at]
            if mark == '"':
                closing = _closing_quote(value, at + 1)
                if closing is None:
                    raise ParseError("quote is not closed")
                skip_to = closing.end()
            elif mark == "<":
                inside = True
            elif mark == ">":
                inside = False
            elif not inside:
                elements.append(value[start:at].strip())
                start = at + 1
        elements.append(value[start:].strip())
    if "" in elements:
        raise ParseError("empty element in a list")
    return elements


def check_host(host: str) -> str:
    """A host as it is compared: lower case, IPv6 without brackets. Raises `ParseError`."""
    if host[0] == "[":
        host = host[1:-1]
        try:
            inet_pton(AF_INET6, host)
        except OSError:
            raise ParseError(f"bad IPv6 address {host!r}") from None
    return host.lower()


def parse_port(text: str | None) -> int | None:
    """A port number. Raises `ParseError` outside 1..65535."""
    if text is None:
        return None
    if len(text) > 5 or not 0 < (port := int(text)) < 65536:
        raise ParseError(f"bad port {text[:10]}")
    return port
