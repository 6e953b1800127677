"""One leg over SIP: its INVITE session, its offer and answer, its media session."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Callable, Sequence
from itertools import takewhile
from zlib import crc32

import msgspec

from tongdai import sdp
from tongdai.calls.model import Cause
from tongdai.legs.agreeing import Side
from tongdai.legs.causes import in_response, reason_of, status_of
from tongdai.legs.ports import Contact, LegMedia, Opened
from tongdai.legs.seen import seen_from
from tongdai.sip.flow import Address, ip_version
from tongdai.sip.phone import is_same_phone
from tongdai.sip.ua import DialogState, InviteSession, Refer

CODECS = {codec.name.upper(): codec for codec in (sdp.OPUS, sdp.G722, sdp.PCMU, sdp.PCMA)}
"""What the engine speaks, in our order of preference."""

_OURS = frozenset(codec.encoding for codec in CODECS.values())

_EVERYBODY_HAS = ("PCMU", "PCMA")
_EVENTS = (sdp.TELEPHONE_EVENT_48000, sdp.TELEPHONE_EVENT)
_SUPPORTED = (*CODECS.values(), sdp.CN, *_EVENTS)

_OFFERED = ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM")
"""Suites that we offer: what everybody has first, as many phones only look at the first."""

_ANY_SIDE = sdp.WebRtc("", sdp.Ice("any", "any"))
"""Stands for our side where only whether we could have one is asked."""

_ICE_LETTERS = string.ascii_letters + string.digits

RETRY_AFTER = (("Retry-After", "5"),)


class LegRecord(msgspec.Struct, omit_defaults=True):
    """What the journal keeps of a leg, so that a process that takes over has it whole."""

    id: str
    tenant: str
    ip: str
    port: int
    rtcp_port: int
    sdp_id: int
    public: str = ""
    """What `ip` is called in SDP, when it is another address there."""
    sdp_version: int = 0
    codecs: list[str] = []
    foreign: list[sdp.Codec] = []
    """Those among them that we only pass on."""
    offered: list[str] = []
    """What the peer speaks, by the last offer it made; empty while it has only answered."""
    protocol: str = sdp.PLAIN
    """The transport protocol of the stream, as in its m= line."""
    crypto: list[sdp.Crypto] = []
    """Our keys, one for each suite; empty when the stream is plain."""
    insists: bool = False
    """Sound that is not protected is refused."""
    webrtc: sdp.WebRtc | None = None
    """Our side of a stream whose peer proves itself by ICE and DTLS; the handshake itself is the engine's."""
    remote_ice: sdp.Ice | None = None
    """The peer's credentials: others are a restart (RFC 8839 §4.4.1.1)."""
    offer: str = ""
    """Our last description: an offer, or an answer."""
    in_force: str = ""
    """Our description before that, while the offer of another codec has no answer yet."""
    held: bool = False
    agreed: sdp.Negotiated | None = None
    """What the engine was told of the peer last: the next engine has to know it too."""
    trunk: str = ""
    device: str = ""
    """Whose phone it is, proven when the call was made, or by the registration that we called."""
    instance: str = ""
    """`Contact.instance` of that phone."""
    seen: Address | None = None
    """Where the phone signals from when that is not where its dialog's flow leads, as a proxy is between."""
    dialog: DialogState | None = None


class SipLeg:
    """A leg and its session. Methods are called by `Legs`, in states that fit."""

    def __init__(self, record: LegRecord, media: LegMedia, session: InviteSession | None = None) -> None:
        self.id = record.id
        self.record = record
        self.media = media
        self.session = session
        self.remote_offer: sdp.SessionDescription | None = None
        self.local: sdp.SessionDescription | None = None
        self.offers_all = False
        """The phone is offered what the other side lacks as well, behind the rest: we can transcode."""
        self.refer: Refer | None = None
        self.otherwise: Callable[[], bool] | None = None
        """Calls again with another kind of stream, when the phone does not take this one; False: there is
        none."""
        self.elsewhere: Callable[[int, bool], bool] | None = None
        """Calls the phone over another of its flows, when the status of a failure, and whether the phone's
        side gave it, say that this one does not lead there; False: it has none."""
        self.back: Callable[[str], None] | None = None
        """Calls the phone, whose connection ended while it rang, by the binding with which it is back."""
        self.gone = False

    @property
    def session_in_use(self) -> InviteSession:
        assert self.session is not None, "the leg has no session yet"
        return self.session

    def opened(self, opened: Opened, public: str) -> None:
        """The engine gave the leg its ports, on an address that is called `public` outside."""
        self.record.public = public
        self.record.ip, self.record.port, self.record.rtcp_port = opened.ip, opened.port, opened.rtcp_port

    @property
    def codecs(self) -> tuple[list[str], list[sdp.Codec]]:
        """What this leg speaks, best first, and what among it we do not speak: as negotiated, or else as it
        offered."""
        if self.record.codecs:
            return self.record.codecs, self.record.foreign
        offered = _audio_of(self.remote_offer) if self.remote_offer is not None else ()
        ours = [codec.name.upper() for codec in offered if codec.encoding in _OURS]
        return ours, [codec for codec in offered if codec.is_foreign]

    # descriptions

    def _here(self, side: sdp.WebRtc | None = None) -> sdp.LocalMedia:
        return sdp.LocalMedia(
            self.record.public or self.record.ip, self.record.port, self.record.rtcp_port, side
        )

    def _side(self, theirs: sdp.Ice | None) -> sdp.WebRtc:
        """Our side for a peer with these credentials: as it was, or anew."""
        side = self.record.webrtc
        if side is None:
            return sdp.WebRtc(self.media.fingerprint(self.id), new_ice())
        if theirs is not None and theirs != self.record.remote_ice:
            return msgspec.structs.replace(side, ice=new_ice())
        return side

    def offer_as(self, protocol: str, keys: bool = False) -> None:
        """Offer a stream under `protocol` from now on; with `keys` in the description where they may stand
        there."""
        self.record.protocol, self.record.crypto = protocol, []
        if keys and protocol not in sdp.HANDSHAKEN:
            self.record.crypto = [
                sdp.Crypto(tag, suite, new_key(suite)) for tag, suite in enumerate(_OFFERED, 1)
            ]

    def begin_anew(self) -> None:
        """Call somebody else: what was agreed with the one before (early media) counts no more."""
        self.local, self.record.offer = None, ""
        self.record.codecs, self.record.foreign, self.record.held = [], [], False
        self.record.in_force = ""
        self.record.agreed = None

    def make_offer(self, prefer: Sequence[str], foreign: Sequence[sdp.Codec] = ()) -> str:
        """An offer of what the other side speaks, so that nothing is transcoded where that can be, and of
        what everybody has; of all our codecs when there is no other side yet. Last of what the other side
        speaks and we do not (`foreign`): it is passed on where the two agree on it, and all there is to offer
        where the other side speaks nothing else."""
        names = [name for name in prefer if name in CODECS] or ([] if foreign else list(CODECS))
        others = (*_EVERYBODY_HAS, *(CODECS if self.offers_all else ()))
        codecs = [CODECS[name] for name in dict.fromkeys((*names, *others))] if names else []
        codecs += numbered(foreign)
        clocks = {codec.clock_rate for codec in codecs}
        self.record.sdp_version += 1
        side = None
        if self.record.protocol in sdp.HANDSHAKEN:
            side = msgspec.structs.replace(self._side(self.record.remote_ice), setup=None)
        offer = sdp.make_offer(
            self._here(side),
            [*codecs, *(event for event in _EVENTS if event.clock_rate in clocks)],
            session_id=self.record.sdp_id,
            version=self.record.sdp_version,
            protocol=self.record.protocol,
            crypto=self.record.crypto,
        )
        self.local = sdp.continued(offer, self.local, self._theirs) if self.local is not None else offer
        self.record.offer = str(self.local)
        return self.record.offer

    @property
    def _theirs(self) -> Sequence[sdp.Codec]:
        """What the peer's last description has."""
        text = self.session.remote_sdp if self.session is not None else None
        try:
            return _audio_of(sdp.parse(text)) if text else ()
        except sdp.SdpError:
            return ()

    @property
    def side(self) -> Side:
        """What is known of its codecs."""
        record, codecs = self.record, tuple(self.record.codecs)
        passed_over: tuple[str, ...] = ()
        if codecs and not record.offered and self.local is not None:
            before = takewhile(lambda name: name != codecs[0], _names(_audio_of(self.local)))
            passed_over = tuple(name for name in before if name not in codecs)
        at_rest = self.session is not None and self.session.at_rest and not record.held
        return Side(self.id, codecs, tuple(record.offered), passed_over, at_rest, bool(record.trunk))

    def offer_codec(self, codec: str, prefer: Sequence[str], foreign: Sequence[sdp.Codec]) -> str:
        """Offer what another leg speaks (`prefer`, and `foreign` among it), this codec first; a carrier
        nothing that it has not named, as an administrator may have said what it gets. `take_back` when it is
        refused."""
        in_force = self.record.offer
        names = [codec, *prefer, *self.record.codecs]
        if self.record.trunk:
            names = [name for name in names if name in self.record.codecs or name in self.record.offered]
        offer = self.make_offer(names if codec in CODECS else (), foreign)
        self.record.in_force = in_force
        return offer

    def take_back(self) -> None:
        """What `offer_codec` offered does not hold: what did before does (RFC 3261 §14.1)."""
        if self.record.in_force:
            self.record.offer, self.record.in_force = self.record.in_force, ""
            self.local = sdp.parse(self.record.offer)

    @property
    def is_handshaken(self) -> bool:
        """What we have said of the stream names the certificate of an engine."""
        return self.local is not None and self.record.protocol in sdp.HANDSHAKEN

    def offer_again(self) -> str:
        """Offer what was agreed on at the address that we have now; to who proves itself by ICE and DTLS with
        the certificate of the engine that we have now, and so with other credentials (RFC 8842 §5.5)."""
        side = self.record.webrtc
        if side is not None:
            ice = new_ice() if side.ice is not None else None
            fingerprint = self.media.fingerprint(self.id)
            self.record.webrtc = msgspec.structs.replace(side, fingerprint=fingerprint, ice=ice)
        return self.make_offer(self.record.codecs, self.record.foreign)

    def answer_offer(self, prefer: Sequence[str], foreign: Sequence[sdp.Codec] = ()) -> str:
        """Answer the peer's offer and tell the engine. `foreign` is what the other side speaks and we do not.
        Raises sdp.NotAcceptable."""
        assert self.remote_offer is not None, "there is no offer to answer"
        version = self.record.sdp_version + 1
        offer = self.remote_offer
        handshaken = any(media.protocol in sdp.HANDSHAKEN for media in offer.media)
        local, agreed = sdp.answer(
            offer,
            self._here(self._side(offer.ice) if handshaken else None),
            (*_SUPPORTED, *foreign),
            prefer=prefer,
            session_id=self.record.sdp_id,
            version=version,
            key=self._key,
            protected=self.record.insists,
        )
        self.agreed(agreed)
        self.record.offered = _names(_audio_of(offer))
        self.record.sdp_version, self.local, self.record.offer = version, local, str(local)
        return self.record.offer

    def take_answer(self, text: str) -> None:
        """The peer answered our offer. Raises sdp.SdpError when nothing fits."""
        assert self.local is not None, "there is no offer that could be answered"
        self.agreed(sdp.negotiate(self.local, sdp.parse(text)))

    def take_last_answer(self, text: str | None) -> None:
        """The answer in what confirms the session, where one before does not hold. Raises sdp.SdpError."""
        if text is not None:
            self.take_answer(text)
        elif not self.record.codecs:
            raise sdp.NotAcceptable("no answer to our offer")

    def agreed(self, agreed: sdp.Negotiated) -> None:
        """Tell the engine where the peer is and what it speaks. Raises sdp.NotAcceptable when we cannot send
        there.
        """
        agreed = self._reached(agreed)
        if (self._protected and agreed.srtp is None) or (self.record.webrtc and agreed.secured is None):
            raise sdp.NotAcceptable("a protected call stays protected")
        if self.record.insists and agreed.srtp is None and agreed.secured is None:
            raise sdp.NotAcceptable("nothing is said in the clear here")
        self._keep_keys(agreed)
        self.record.codecs = [codec.name.upper() for codec in agreed.codecs]
        self.record.foreign = [
            sdp.Codec(codec.name, codec.clock_rate, codec.send_pt, fmtp=codec.fmtp)
            for codec in agreed.codecs
            if not codec.is_known
        ]
        self.record.held, self.record.in_force = agreed.held_by_peer, ""
        self.record.agreed = agreed
        self.tell_engine()

    def tell_engine(self) -> None:
        """Tell the engine of the peer, as it was agreed on last."""
        if self.record.agreed is not None:
            self.media.signal(self.id, *(self.record.seen or self.session_in_use.flow.remote))
            self.media.remote(self.id, self.record.agreed)

    def _reached(self, agreed: sdp.Negotiated) -> sdp.Negotiated:
        """The same, when we can send there. With ICE the peer will show where it is, whatever it wrote."""
        if agreed.secured is None or agreed.secured.remote_ice is None:
            _check_address(agreed.remote_host, self.record.ip)
            return agreed
        nowhere = "::" if ":" in self.record.ip else "0.0.0.0"
        return msgspec.structs.replace(agreed, remote_host=nowhere, remote_port=9)

    @property
    def _protected(self) -> bool:
        """Whether keys were agreed on before."""
        return bool(self.record.codecs and self.record.crypto)

    def _key(self, suite: str) -> str:
        """Our key for a suite: the same for the whole call, or packets would have to be counted anew."""
        own = next((line.key for line in self.record.crypto if line.suite == suite), None)
        return own if own is not None else new_key(suite)

    def _keep_keys(self, agreed: sdp.Negotiated) -> None:
        if (secured := agreed.secured) is not None:
            mid = agreed.mid or ""
            side = sdp.WebRtc(self.media.fingerprint(self.id), secured.ice, secured.setup, mid)
            self.record.webrtc, self.record.remote_ice = side, secured.remote_ice
        self.record.crypto = [sdp.Crypto(1, agreed.srtp.suite, agreed.srtp.send)] if agreed.srtp else []
        if agreed.srtp or secured or self.record.protocol != sdp.PLAIN:
            self.record.protocol = agreed.protocol

    # what the call logic asks

    def ring(self) -> None:
        self.session_in_use.progress(180)

    def progress(self, prefer: Sequence[str], foreign: Sequence[sdp.Codec] = ()) -> None:
        """183 with sound. A caller who made no offer gets ours, if he can answer it before the call is (RFC
        3262 §5), else a 180. Raises sdp.NotAcceptable when there can be no sound."""
        session = self.session_in_use
        if self.remote_offer is None and session.may_offer_early:
            session.progress(183, self.record.offer or self.make_offer(prefer, foreign))
        elif self.remote_offer is None:
            self.session_in_use.progress(180)
        else:
            self.session_in_use.progress(183, self.first_answer(prefer, foreign))

    def accept(self, prefer: Sequence[str], foreign: Sequence[sdp.Codec] = ()) -> None:
        """200. An INVITE without an offer gets ours, whose answer comes in the ACK (RFC 3261 §13.2.1). Raises
        sdp.NotAcceptable when there can be no sound."""
        if self.remote_offer is None:
            self.session_in_use.accept(self.record.offer or self.make_offer(prefer, foreign))
        else:
            self.session_in_use.accept(self.first_answer(prefer, foreign))

    def first_answer(self, prefer: Sequence[str], foreign: Sequence[sdp.Codec] = ()) -> str:
        """The answer to the INVITE: the same in a 183 and in the 200 (RFC 3261 §13.2.1)."""
        return self.record.offer if self.local is not None else self.answer_offer(prefer, foreign)

    def end(self, cause: Cause, reason: str = "") -> None:
        """End the session as fits its state; `reason` is what somebody else has said of it (RFC 3326)."""
        session = self.session
        if session is None or session.ended:
            return
        if session.confirmed:
            session.bye(reason or reason_of(cause))
        elif session.state.role == "uas":
            status = status_of(cause)
            headers = list(RETRY_AFTER) if status == 503 else []
            if repeated := in_response(reason):
                headers.append(("Reason", repeated))
            session.reject(status, headers=headers)
        else:
            session.cancel(reason or reason_of(cause))

    def follow(self, contact: Contact) -> bool:
        """The leg's own phone has registered by this path: send over it, and let its sound come from there as
        well. Whether that is another path than before."""
        host, port = seen_from(contact.flow, contact.path)
        if self.record.seen is not None:
            self.record.seen = host, port
        self.media.signal(self.id, host, port)
        return self.session_in_use.move(contact.flow)

    def is_of(self, contact: Contact) -> bool:
        """The phone that registered with this contact is the leg's own."""
        session = self.session
        if session is None or not contact.device or self.record.device != contact.device:
            return False
        target = session.state.remote_target
        return is_same_phone(self.record.instance, target, contact.instance, contact.uri)

    # the journal

    @property
    def settled(self) -> bool:
        """Another process could go on with it as if nothing had happened: it has its ports, the peer has said
        something, and no transfer of his waits to be answered."""
        session = self.session
        if session is None or not self.record.port or self.refer is not None:
            return False
        return session.ended or session.confirmed or session.state.role == "uas" or session.heard

    def snapshot(self) -> LegRecord | None:
        """The record to keep, None when there is nothing worth restoring: who calls us over a connection
        takes its end for the end of a call that was not answered."""
        if self.gone or self.session is None or self.session.ended:
            return None
        dialog = self.session.snapshot()
        if dialog.phase == "early" and (
            dialog.pending_invite is None or (dialog.role == "uas" and dialog.flow.reliable)
        ):
            return None
        self.record.dialog = dialog
        return self.record

    def restored(self, session: InviteSession) -> None:
        """Go on with the session of a former process."""
        self.session = session
        if self.record.offer:
            self.local = sdp.parse(self.record.offer)
        if session.state.role == "uas" and not session.confirmed and session.remote_sdp:
            self.remote_offer = sdp.parse(session.remote_sdp)


def new_key(suite: str) -> str:
    """A master key with its salt, in base64."""
    return base64.b64encode(secrets.token_bytes(sdp.SUITES[suite])).decode()


def new_ice() -> sdp.Ice:
    """Credentials with 47 and 142 bits that nobody guesses (RFC 8839 §5.4 asks for 24 and 128)."""
    ufrag, pwd = ("".join(secrets.choice(_ICE_LETTERS) for _ in range(length)) for length in (8, 24))
    return sdp.Ice(ufrag, pwd)


def check_offer(offer: sdp.SessionDescription, host: str, *, protected: bool = False) -> None:
    """Find out what could never be answered from the address `host`, or only with plain sound where that has
    to be `protected`. Raises sdp.SdpError."""
    here = sdp.LocalMedia(host, 9, webrtc=_ANY_SIDE)
    supported = (*_SUPPORTED, *(codec for codec in _audio_of(offer) if codec.is_foreign))
    there, secured = sdp.acceptable(offer, here, supported, protected=protected)
    if secured is None or secured.remote_ice is None:
        _check_address(there, host)


def _audio_of(description: sdp.SessionDescription) -> Sequence[sdp.Codec]:
    """What a peer speaks."""
    for media in description.media:
        if media.kind == "audio" and media.port:
            return media.codecs
    return ()


def _names(codecs: Sequence[sdp.Codec]) -> list[str]:
    """Those of voice codecs that we speak or can pass on."""
    return [codec.name.upper() for codec in codecs if codec.encoding in _OURS or codec.is_foreign]


def leaves_out(prefer: Sequence[str]) -> bool:
    """Whether an offer of what the other side speaks lacks something that we do."""
    known = CODECS.keys() & set(prefer)
    return bool(known) and not CODECS.keys() <= known | set(_EVERYBODY_HAS)


def numbered(foreign: Sequence[sdp.Codec]) -> list[sdp.Codec]:
    """With payload types of our own where theirs are dynamic (RFC 3551 §6)."""
    free = iter(range(112, 128))
    return [
        codec if codec.payload_type < 96 else msgspec.structs.replace(codec, payload_type=number)
        for codec, number in zip(foreign, free, strict=False)
    ]


def _check_address(theirs: str, ours: str) -> None:
    """The engine sends to addresses only, and only to those of its own family."""
    version = ip_version(theirs)
    if not version or version != ip_version(ours):
        raise sdp.NotAcceptable(f"sound cannot be sent from {ours} to {theirs}")


def sdp_id(text: str) -> int:
    """A session id for o=, the same for the same leg."""
    return crc32(text.encode()) & 0x7FFFFFFF


def spoken_by(leg: SipLeg | None) -> tuple[Sequence[str], Sequence[sdp.Codec]]:
    """The codecs of a leg, best first, and what among them we do not speak ourselves."""
    return leg.codecs if leg is not None else ((), ())
