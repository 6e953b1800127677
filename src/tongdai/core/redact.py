"""Takes secrets out of what is about to be logged.

Two nets: fields are judged by their name, and text by its shape, since a secret may stand inside a SIP
message, a URL or a traceback. It is the last guard, not a licence to log secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REDACTED = "[redacted]"

# A name is split into words (voicemail_pin -> voicemail, pin), so that `ping` is no PIN.
_SECRET_WORDS = (
    *("password", "passwords", "passwd", "pwd", "secret", "secrets", "pin", "pins", "token", "tokens", "ha1"),
    *("key", "keys", "crypto", "authorization", "digest", "credential", "credentials", "cookie", "cookies"),
    *("dtmf", "digit", "digits"),  # a PIN is entered digit by digit
)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*(?![a-z])")

# In each, groups 1 and 2 are kept and the rest of the match is not.
_SHAPES = [
    # Authorization and Proxy-Authorization header lines (RFC 3261 §22, RFC 9110 §11), cookies
    re.compile(r"(?im)^([ \t]*(?:(?:proxy-)?authorization|(?:set-)?cookie))([ \t]*:[ \t]*)[^\r\n]+"),
    # "Digest ..." and "Bearer ..." credentials, wherever they stand
    re.compile(r"(?i)\b(bearer|basic)( +)[a-z0-9._~+/=-]{6,}"),
    re.compile(r'(?i)\b(response|cnonce|nextnonce|nonce)(\s*=\s*"?)[^",\s]+'),
    # SDES keys (RFC 4568 §9.2)
    re.compile(r"(?i)\b(inline)(:)[a-z0-9+/=]{8,}(?:\|[^\s;]*)?"),
    # DTMF in INFO (application/dtmf-relay)
    re.compile(r"(?im)^(signal)(\s*=\s*)\S+"),
    # name=value and "name": "value"; also ICE's (a=ice-pwd:…, RFC 8839 §5.4)
    re.compile(
        r"(?i)(\b[\w-]*(?:password|passwd|pwd|secret|token|credential|ha1|(?:api|private)[_-]?key)"
        r"|\b(?:[\w-]+[_-])?pin)"
        r"""("?'?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&)}\]]+)"""
    ),
    # user:password@host in a URL
    re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*)(:)[^\s/@]+(?=@)"),
    # PEM
    re.compile(r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----)(\s).*?(?=-----END|\Z)"),
]


def is_secret_name(name: str) -> bool:
    """Whether a field of this name must not be shown."""
    return any(word.lower() in _SECRET_WORDS for word in _WORD.findall(name))


def redact_text(text: str) -> str:
    """`text` without the values of what looks like a secret."""
    for shape in _SHAPES:
        text = shape.sub(rf"\1\2{REDACTED}", text)
    return text


def redact_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """`fields` with the values of secret names gone, and the others as `redact` gives them."""
    return {
        str(name): REDACTED if is_secret_name(str(name)) and item not in (None, "") else redact(item)
        for name, item in fields.items()
    }


def redact(value: object) -> object:
    """`value` as plain data (mappings, lists, strings, numbers) without secrets, at any depth."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return redact_text(repr(value))
