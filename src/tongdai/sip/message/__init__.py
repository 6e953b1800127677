"""SIP messages: parse, look at, build, print (RFC 3261 §7, §19, §20, §25).

message = parse(data)                    # Request | Response, or ParseError with its verdict
message.from_.uri.user, message.cseq.number, message.headers.get("Subject")
bytes(request.response(200, to_tag="x"))
"""

from __future__ import annotations

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.grammar import Params, escape_user, quote, split_list, unquote
from tongdai.sip.message.headers import Headers
from tongdai.sip.message.message import Message, Request, Response
from tongdai.sip.message.parser import MAX_MESSAGE, parse
from tongdai.sip.message.reasons import reason_phrase
from tongdai.sip.message.stream import PING, PONG, StreamParser
from tongdai.sip.message.uri import SipUri
from tongdai.sip.message.values import AuthValue, CSeq, NameAddr, Reason, Replaces, Via

__all__ = [
    "MAX_MESSAGE",
    "PING",
    "PONG",
    "AuthValue",
    "CSeq",
    "Headers",
    "Message",
    "NameAddr",
    "Params",
    "ParseError",
    "Reason",
    "Replaces",
    "Request",
    "Response",
    "SipUri",
    "StreamParser",
    "Via",
    "escape_user",
    "parse",
    "quote",
    "reason_phrase",
    "split_list",
    "unquote",
]
