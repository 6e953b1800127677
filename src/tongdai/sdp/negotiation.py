"""Offer and answer (RFC 3264) for one audio stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from tongdai.sdp import webrtc as w
from tongdai.sdp.codecs import PCMA, PCMU, TELEPHONE_EVENT, Codec, is_known
from tongdai.sdp.crypto import Crypto, Srtp, read_crypto
from tongdai.sdp.model import Attribute, Direction, Media, Origin, SdpError, SessionDescription, is_null

PLAIN, PROTECTED = "RTP/AVP", "RTP/SAVP"
_PROTOCOLS = (PLAIN, PROTECTED, "RTP/AVPF", "RTP/SAVPF", *w.HANDSHAKEN)
"""Those that we answer. Feedback (RFC 4585) is not asked for in an answer, and so not sent."""
_SENDS = ("sendrecv", "sendonly")
_RECEIVES = ("sendrecv", "recvonly")
_NONE_FITS = "no audio stream with a codec we support"


class NotAcceptable(SdpError):
    """No audio stream or no codec in common: 488."""


class LocalMedia(msgspec.Struct, frozen=True):
    """Where we receive. `host` is an IP literal; `rtcp_port` defaults to `port` + 1 (RFC 3550)."""

    host: str
    port: int
    rtcp_port: int | None = None
    webrtc: w.WebRtc | None = None
    """Our side of a stream whose peer proves itself, where we can have one."""


class NegotiatedCodec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A codec both sides take, with the number to send it under and the number it arrives under."""

    name: str
    clock_rate: int
    send_pt: int
    receive_pt: int
    fmtp: str | None = None
    """What the peer wishes to receive."""

    @property
    def is_known(self) -> bool:
        """Whether the engine speaks it; else it is only passed on."""
        return is_known(self.name)


class Negotiated(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the two descriptions agree on, seen from our side."""

    codecs: list[NegotiatedCodec]
    """Audio codecs in the order of preference; the first is to be sent. telephone-event is not among them."""
    dtmf: list[NegotiatedCodec]
    """telephone-event, one of each clock."""
    remote_host: str
    """IP literal or name of the peer's c= line. A null address (hold of RFC 2543) stands here as it came;
    then `direction` has no sending."""
    remote_port: int
    remote_rtcp_port: int
    direction: Direction
    """What we do: "sendonly" means that the peer only listens."""
    held_by_peer: bool
    """The peer holds us: its own direction is sendonly or inactive, or its address is null."""
    ptime: int | None = None
    """Packet time in ms that the peer wishes."""
    srtp: Srtp | None = None
    """The keys, when the stream is protected."""
    secured: w.Secured | None = None
    """How the peer proves itself, when it does; then there are no keys here."""
    mid: str | None = None
    """The name of the stream, for BUNDLE."""
    rtcp_mux: bool = False
    """RTCP comes to the port of RTP, and goes there (RFC 5761)."""
    protocol: str = PLAIN
    """The transport protocol in the peer's m= line."""
    noise: NegotiatedCodec | None = None
    """Comfort noise, when the peer may send it instead of its pauses."""


def make_offer(
    local: LocalMedia,
    codecs: Sequence[Codec] = (PCMU, PCMA, TELEPHONE_EVENT),
    direction: Direction = "sendrecv",
    *,
    session_id: int,
    version: int,
    ptime: int | None = 20,
    protocol: str = PLAIN,
    crypto: Sequence[Crypto] = (),
) -> SessionDescription:
    """An offer of one audio stream. `version` must grow by one with each change within a session (RFC 3264
    §8). With `crypto` it may be protected, and under the protocol `PROTECTED` it must be (RFC 8643)."""
    media = _local_stream(local, codecs, direction, ptime, protocol, crypto)
    about = w.session_attributes(local.webrtc, bundled=True) if local.webrtc is not None else []
    return SessionDescription(Origin(session_id, version, local.host), local.host, [media], about)


def answer(
    offer: SessionDescription,
    local: LocalMedia,
    supported: Sequence[Codec] = (PCMU, PCMA, TELEPHONE_EVENT),
    *,
    prefer: Sequence[str] = (),
    direction: Direction = "sendrecv",
    session_id: int,
    version: int,
    ptime: int | None = 20,
    key: Callable[[str], str] | None = None,
    protected: bool = False,
) -> tuple[SessionDescription, Negotiated]:
    """Answer an offer. Codecs keep the offerer's payload types and order, those named in `prefer` (by
    name) first.

    `direction` is what we would like and is narrowed to what the offer allows. The first audio stream with
    a codec in common is taken; all others are refused in place (RFC 3264 §6). Raises `NotAcceptable`.

    A stream under UDP/TLS is taken when `local` has a side for it; then `secured` of what was agreed has the
    rest of it.

    `key` gives our key (base64, with its salt) for a suite; without it only plain streams are taken. With
    `protected` none of those is.
    """
    streams: list[Media] = []
    about: list[Attribute] = []
    agreed: Negotiated | None = None
    for media in offer.media:
        fitting = (
            _fitting(offer, media, local, supported, prefer, key is not None, protected)
            if agreed is None
            else None
        )
        if fitting is None:
            streams.append(Media(media.kind, 0, media.protocol, media.formats, None, _mid_of(media)))
            continue
        pairs, theirs, side = fitting
        srtp, crypto = None, []
        if theirs is not None and key is not None and side is None:
            crypto = [Crypto(theirs.tag, theirs.suite, key(theirs.suite))]
            srtp = Srtp(theirs.suite, send=crypto[0].key, receive=theirs.key)
        agreed = _agree(pairs, offer, media, direction, srtp, side[1] if side else None)
        codecs = [own for _, own in pairs]
        here = msgspec.structs.replace(local, webrtc=side[0] if side else None)
        stream = _local_stream(here, codecs, agreed.direction, ptime, media.protocol, crypto)
        if side is not None:
            about = w.session_attributes(side[0], w.is_bundled(offer, side[0].mid))
        elif agreed.rtcp_mux:
            stream.attributes.insert(0, ("rtcp-mux", None))
        streams.append(stream)
    if agreed is None:
        raise NotAcceptable(_NONE_FITS)
    return SessionDescription(Origin(session_id, version, local.host), local.host, streams, about), agreed


def acceptable(
    offer: SessionDescription, local: LocalMedia, supported: Sequence[Codec], *, protected: bool = False
) -> tuple[str, w.Secured | None]:
    """Whether `answer`, with keys, could answer this: the host to which we would send, and how the peer would
    prove itself. Raises `SdpError` as `answer` does."""
    for media in offer.media:
        fitting = _fitting(offer, media, local, supported, (), True, protected)
        if fitting is not None:
            side = fitting[2]
            return offer.host_of(media), side[1] if side else None
    raise NotAcceptable(_NONE_FITS + " and keys" if protected else _NONE_FITS)


def _fitting(
    offer: SessionDescription,
    media: Media,
    local: LocalMedia,
    supported: Sequence[Codec],
    prefer: Sequence[str],
    keyed: bool,
    protected: bool,
) -> tuple[Sequence[tuple[Codec, Codec]], Crypto | None, tuple[w.WebRtc, w.Secured] | None] | None:
    """What an answer takes of an offered stream: codecs as offered and as we answer them, the offerer's keys
    (if we can have some, `keyed`; they have to be there if it shall be `protected`), our side of a handshake.
    None: nothing, it is refused."""
    theirs = _first_crypto(media) if keyed else None
    side = _our_side(offer, media, local)
    if media.protocol in w.HANDSHAKEN:
        fits = side is not None
    else:
        fits = theirs is not None or not (protected or media.protocol.startswith(PROTECTED))
    pairs = _common(media, supported, prefer) if fits else ()
    return (pairs, theirs, side) if pairs else None


def continued(
    offer: SessionDescription, before: SessionDescription, theirs: Sequence[Codec] = ()
) -> SessionDescription:
    """The same offer for a session that has our description `before` (RFC 3264 §8): no stream is left out or
    changes its place, even if it was refused, and a number goes on meaning what it meant there (§8.3.2), or
    among `theirs`."""
    index = next((i for i, media in enumerate(before.media) if media.kind == "audio" and media.port), None)
    if index is None:
        return offer
    streams = [
        msgspec.structs.replace(media, port=0, attributes=_mid_of(media), connection=None)
        for media in before.media
    ]
    [stream] = offer.media
    streams[index] = _renumbered(stream, [*before.media[index].codecs, *theirs])
    return msgspec.structs.replace(offer, media=streams)


def _renumbered(stream: Media, before: Sequence[Codec]) -> Media:
    """With the numbers that its codecs had before, and for others numbers that none had."""
    taken = {str(codec.payload_type) for codec in before}
    free = (number for number in map(str, range(96, 128)) if number not in taken.union(stream.formats))
    changed: dict[str, str] = {}
    for codec in stream.codecs:
        number = str(codec.payload_type)
        had = next((str(old.payload_type) for old in before if old.same_as(codec)), None)
        if had is not None:
            changed[number] = had
        elif number in taken:
            changed[number] = next(free)
    attributes: list[Attribute] = []
    for name, value in stream.attributes:
        if name in ("rtpmap", "fmtp") and value is not None:
            number, _, rest = value.partition(" ")
            value = f"{changed.get(number, number)} {rest}"
        attributes.append((name, value))
    formats = [changed.get(number, number) for number in stream.formats]
    return msgspec.structs.replace(stream, formats=formats, attributes=attributes)


def negotiate(offer: SessionDescription, answer: SessionDescription) -> Negotiated:
    """What our `offer` and the peer's `answer` agree on. Raises `NotAcceptable`."""
    index = next((i for i, media in enumerate(offer.media) if media.kind == "audio" and media.port), None)
    if index is None:
        raise NotAcceptable("our offer had no audio stream")
    if index >= len(answer.media) or answer.media[index].kind != "audio":
        raise NotAcceptable("the answer does not have the streams of the offer")
    theirs, ours = answer.media[index], offer.media[index]
    if theirs.port == 0:
        raise NotAcceptable("the audio stream was refused")
    pairs = _chosen(ours.codecs, theirs.codecs)
    if not pairs:
        raise NotAcceptable("the answer has no codec of the offer")
    srtp, secured = _taken(ours, theirs), _proved(offer, ours, answer, theirs)
    return _agree(pairs, answer, theirs, offer.direction_of(ours), srtp, secured)


@lru_cache(maxsize=128)
def _chosen(offered: tuple[Codec, ...], answered: tuple[Codec, ...]) -> tuple[tuple[Codec, Codec], ...]:
    """What of our offer an answer takes, each as answered and as we offered it; empty when no sound is among
    them."""
    pairs = []
    for codec in answered:
        # The same number first: one encoding may have been offered twice with different parameters.
        same = [own for own in offered if own.same_as(codec)]
        same.sort(key=lambda own: own.payload_type != codec.payload_type)
        if same:
            pairs.append((codec, same[0]))
    return tuple(pairs) if any(codec.is_voice for codec, _ in pairs) else ()


def _our_side(
    offer: SessionDescription, media: Media, local: LocalMedia
) -> tuple[w.WebRtc, w.Secured] | None:
    """Our side of an offered stream whose keys come of a handshake, and what is agreed with it."""
    theirs = w.read(offer, media) if media.protocol in w.HANDSHAKEN else None
    if theirs is None or local.webrtc is None:
        return None
    setup = w.part(theirs.setup, local.webrtc.setup)
    if setup is None:
        return None
    ice = local.webrtc.ice if theirs.ice is not None else None
    mine = w.WebRtc(local.webrtc.fingerprint, ice, setup, theirs.mid or "")
    return mine, w.Secured(setup, theirs.fingerprints, ice, theirs.ice)


def _proved(
    offer: SessionDescription, ours: Media, answer: SessionDescription, theirs: Media
) -> w.Secured | None:
    """What the answer agrees on with our offer of such a stream. Raises `NotAcceptable`."""
    if ours.protocol not in w.HANDSHAKEN or theirs.protocol == PLAIN:
        # Phones on a WebSocket that are no browser answer so (against RFC 3264 §6): it is all they have.
        return None
    mine, other = w.read_own(ours), w.read(answer, theirs)
    if other is None:
        raise NotAcceptable("the answer has no fingerprint, or RTCP on another port")
    setup = w.answered(other.setup, mine.setup)
    if setup is None:
        raise NotAcceptable("the answer takes our part in the handshake")
    return w.Secured(setup, other.fingerprints, mine.ice if other.ice is not None else None, other.ice)


def _mid_of(media: Media) -> list[Attribute]:
    """A refused stream keeps its name (RFC 9143 §7.3.1)."""
    mid = media.said.get("mid")
    return [("mid", mid)] if mid else []


def _cryptos(media: Media) -> list[Crypto]:
    if "crypto" not in media.said:
        return []
    lines = [read_crypto(value) for name, value in media.attributes if name == "crypto" and value]
    return [line for line in lines if line is not None]


def _first_crypto(media: Media) -> Crypto | None:
    """The offerer's best that we speak."""
    return next(iter(_cryptos(media)), None)


def _taken(ours: Media, theirs: Media) -> Srtp | None:
    """The keys that the answer `theirs` agrees on with our offer. Raises `NotAcceptable`."""
    answered = _first_crypto(theirs)
    if answered is None:
        if theirs.protocol.startswith(PROTECTED):
            raise NotAcceptable("the answer has no key")
        return None  # some answer RTP/SAVP so (against RFC 3264 §6): it is all they have
    own = {line.tag: line for line in _cryptos(ours)}.get(answered.tag)
    if own is None or own.suite != answered.suite:
        raise NotAcceptable("the answer has a key for what was not offered")
    return Srtp(own.suite, send=own.key, receive=answered.key)


def reverse(direction: Direction) -> Direction:
    """The same seen from the other side."""
    return {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction, direction)  # type: ignore[return-value]


def meet(one: Direction, other: Direction) -> Direction:
    """What both allow."""
    send = one in _SENDS and other in _SENDS
    receive = one in _RECEIVES and other in _RECEIVES
    return "sendrecv" if send and receive else "sendonly" if send else "recvonly" if receive else "inactive"


def _common(media: Media, supported: Sequence[Codec], prefer: Sequence[str]) -> Sequence[tuple[Codec, Codec]]:
    """The offered codecs that we support, those in preference first, each as offered and as we answer it;
    empty when no sound is among them."""
    if media.kind != "audio" or media.port == 0 or media.protocol not in _PROTOCOLS:
        return ()
    return _paired(media.codecs, tuple(supported), tuple(prefer))


@lru_cache(maxsize=128)
def _paired(
    offered: tuple[Codec, ...], supported: tuple[Codec, ...], prefer: tuple[str, ...]
) -> tuple[tuple[Codec, Codec], ...]:
    """See `_common`. A phone offers the same in every call, and each offer is gone through twice."""
    common = []
    for codec in offered:
        own = next((own for own in supported if own.same_as(codec)), None)
        if own is not None:
            common.append((codec, msgspec.structs.replace(own, payload_type=codec.payload_type)))
    sound = [pair for pair in common if pair[1].is_voice]
    if not sound:
        return ()
    order = {name.lower(): position for position, name in enumerate(prefer)}
    sound.sort(key=lambda pair: order.get(pair[1].name.lower(), len(order)))
    noise = [pair for pair in common if pair[1].is_noise][:1]
    return (*sound, *noise, *_of_each_clock([pair for pair in common if pair[1].is_dtmf], sound))


def _of_each_clock(
    events: list[tuple[Codec, Codec]], sound: list[tuple[Codec, Codec]]
) -> list[tuple[Codec, Codec]]:
    """Events of the clocks that the sound has, one of each (RFC 4733 §2.1); of any other, when there are no
    such."""
    clocks = {own.clock_rate for _, own in sound}
    fitting = {own.clock_rate: (theirs, own) for theirs, own in reversed(events) if own.clock_rate in clocks}
    return [pair for pair in events if pair in fitting.values()] or events[:1]


def _local_stream(
    local: LocalMedia,
    codecs: Sequence[Codec],
    direction: Direction,
    ptime: int | None,
    protocol: str,
    crypto: Sequence[Crypto],
) -> Media:
    attributes: list[Attribute] = [("crypto", str(line)) for line in crypto]
    if local.webrtc is not None:
        attributes += w.attributes(local.webrtc, local.host, local.port)
    attributes += _described(tuple(codecs))
    if ptime is not None:
        attributes.append(("ptime", str(ptime)))
    if local.webrtc is None and local.rtcp_port is not None and local.rtcp_port != local.port + 1:
        attributes.append(("rtcp", str(local.rtcp_port)))
    attributes.append((direction, None))
    return Media(
        "audio", local.port, protocol, [str(codec.payload_type) for codec in codecs], None, attributes
    )


@lru_cache(maxsize=128)
def _described(codecs: tuple[Codec, ...]) -> tuple[Attribute, ...]:
    """What a stream says of its codecs, which are of few kinds."""
    attributes: list[Attribute] = []
    for codec in codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        attributes.append(("rtpmap", f"{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"))
        if codec.fmtp:
            attributes.append(("fmtp", f"{codec.payload_type} {codec.fmtp}"))
    return tuple(attributes)


def _agree(
    pairs: Sequence[tuple[Codec, Codec]],
    description: SessionDescription,
    media: Media,
    wanted: Direction,
    srtp: Srtp | None,
    secured: w.Secured | None,
) -> Negotiated:
    """`pairs` are (the peer's codec, ours); `description` and `media` are the peer's, `wanted` is our own
    direction."""
    voice, dtmf, noise = [], [], None
    for theirs, ours in pairs:
        codec = NegotiatedCodec(
            ours.name, ours.clock_rate, theirs.payload_type, ours.payload_type, theirs.fmtp
        )
        if ours.is_voice:
            voice.append(codec)
        elif ours.is_dtmf:
            dtmf.append(codec)
        else:
            noise = noise or codec
    host, said, direction = description.host_of(media), media.said, description.direction_of(media)
    # With ICE the address says nothing: nobody is held who has not found his yet (RFC 8839 §4.3.1).
    by_ice = secured is not None and secured.remote_ice is not None
    return Negotiated(
        voice,
        dtmf,
        host,
        media.port,
        _rtcp_port(media),
        meet(wanted, reverse(direction)),
        direction in ("sendonly", "inactive") or (is_null(host) and not by_ice),
        media.ptime,
        srtp,
        secured,
        said.get("mid"),
        "rtcp-mux" in said,
        media.protocol,
        noise,
    )


def _rtcp_port(media: Media) -> int:
    """a=rtcp (RFC 3605), or the port after that of RTP."""
    value = (media.said.get("rtcp") or "").partition(" ")[0]
    if value.isascii() and value.isdigit() and 0 < int(value[:6]) < 65536:
        return int(value)
    return min(media.port + 1, 65535)
