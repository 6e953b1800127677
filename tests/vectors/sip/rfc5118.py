"""The 12 torture messages of RFC 5118 (IPv6), written from its text and named as its archive names them.

Content-Length is that of the body: the RFC's own figures do not fit its bodies."""

from __future__ import annotations

from tests.vectors.sip.rfc4475 import wire

MESSAGES: dict[str, bytes] = {}


def _register(target: str) -> bytes:
    return wire(
        f"""
REGISTER {target} SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0
"""
    )


# -- 4.1 to 4.4: references in a Request-URI

MESSAGES["ipv6-good"] = _register("sip:[2001:db8::10]")
MESSAGES["ipv6-bad"] = _register("sip:2001:db8::10")
MESSAGES["port-ambiguous"] = _register("sip:[2001:db8::10:5070]")
MESSAGES["port-unambiguous"] = _register("sip:[2001:db8::10]:5070")

# -- 4.5: `received` with delimiters and without

MESSAGES["via-received-param-with-delim"] = wire(
    """
BYE sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
CSeq: 321 BYE
Content-Length: 0
"""
)
MESSAGES["via-received-param-no-delim"] = wire(
    """
OPTIONS sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3
Call-ID: SSG95523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
CSeq: 921 OPTIONS
Content-Length: 0
"""
)

# -- 4.6: addresses in a description

MESSAGES["ipv6-in-sdp"] = wire(
    """
INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::20]>
CSeq: 8612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: {size}
""",
    "v=0\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\ns=Live video feed for today's meeting\n"
    "c=IN IP6 2001:db8::20\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\n"
    "m=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n",
)

# -- 4.7, 4.8: addresses of both kinds

MESSAGES["mult-ip-in-header"] = wire(
    """
BYE sip:user@host.example.net SIP/2.0
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200
Call-ID: 997077@lau_4100
Max-Forwards: 70
CSeq: 89187 BYE
To: sip:user@example.net;tag=9817--94
From: sip:user@example.com;tag=81x2
Content-Length: 0
"""
)
MESSAGES["mult-ip-in-sdp"] = wire(
    """
INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
Max-Forwards: 70
CSeq: 8912 INVITE
Content-Type: application/sdp
Content-Length: {size}
""",
    "v=0\no=bob 280744730 28977631 IN IP4 host.example.com\ns=\nt=0 0\nm=audio 22334 RTP/AVP 0\n"
    "c=IN IP4 192.0.2.1\nm=video 6024 RTP/AVP 107\nc=IN IP6 2001:db8::1\na=rtpmap:107 H263-1998/90000\n",
)

# -- 4.9: IPv4 addresses written as IPv6

MESSAGES["ipv4-mapped-ipv6"] = wire(
    """
INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:user@east.example.com;tag=81x2
Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19
Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>
CSeq: 612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: {size}
""",
    "v=0\no=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2\ns=Call me soon, please!\n"
    "c=IN IP6 ::ffff:192.0.2.2\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\n"
    "m=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n",
)


# -- 4.10: the grammar of RFC 3261 allowed three colons before an embedded IPv4 address


def _options(target: str) -> bytes:
    return wire(
        f"""
OPTIONS {target} SIP/2.0
To: sip:user@[2001:db8:10::5]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
CSeq: 8933 OPTIONS
Max-Forwards: 70
Content-Length: 0
"""
    )


MESSAGES["ipv6-bug-abnf-3-colons"] = _options("sip:user@[2001:db8:::192.0.2.1]")
MESSAGES["ipv6-correct-abnf-2-colons"] = _options("sip:user@[2001:db8::192.0.2.1]")
