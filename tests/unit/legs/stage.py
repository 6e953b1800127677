"""Real legs and real phones on a network in memory: what a phone does, the call logic would see; what the
call logic says, a phone sees.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import count
from typing import Any, Protocol, TypeVar

from tests.unit.legs.doubles import (
    PASSWORD,
    FakeDevice,
    FakeEdge,
    FakeMedia,
    MemoryJournal,
    a_trunk,
    device,
)
from tests.unit.sip.network import Network, Node, SeededIds

from tongdai.app.front import Front
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause, Party, PartyKind
from tongdai.core.interfaces import Interfaces
from tongdai.legs.callers import Callers
from tongdai.legs.guard import Guard
from tongdai.legs.ports import Contact, Opened, Post
from tongdai.sip.digest import Credentials, DigestServer
from tongdai.sip.flow import Address, Flow, Transport
from tongdai.sip.message import Message, Response, parse
from tongdai.sip.ua import InviteSession, UserAgent
from tongdai.trunks import Trunks

OFFICE = ("192.0.2.100", 5060)
CARRIER = ("198.51.100.1", 5080)
MAIN = "+842871234500"
THEIRS = "+842871239900"
"""A number of the other tenant."""

OUTSIDE = Party(PartyKind.OUTSIDE, "+84912345678", "Ngoc")
PCMU_PCMA = "0 8 101"

SUITE = "AES_CM_128_HMAC_SHA1_80"
THEIR_KEY = base64.b64encode(b"k" * 30).decode()
"""Of whoever speaks to the office."""

E = TypeVar("E", bound=e.Event)


def description(
    host: str, formats: str = PCMU_PCMA, *, port: int = 4000, direction: str = "sendrecv", version: int = 1
) -> str:
    """An offer or answer of a phone."""
    maps = {
        "0": "PCMU/8000",
        "8": "PCMA/8000",
        "9": "G722/8000",
        "18": "G729/8000",
        "101": "telephone-event/8000",
        "96": "opus/48000/2",
        "97": "telephone-event/48000",
    }
    lines = [
        "v=0",
        f"o=- 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        *(f"a=rtpmap:{number} {maps[number]}" for number in formats.split()),
        f"a={direction}",
    ]
    return "\r\n".join([*lines, ""])


class Phone(Node):
    """A phone or a carrier: a user agent of its own, with a name and a password."""

    def __init__(self, network: Network, address: Address, who: FakeDevice | None, transport: Transport):
        super().__init__(network, address, transport)
        network.nodes[address] = self
        self.who = who

    @property
    def uri(self) -> str:
        host, port = self.address
        user = self.who.username if self.who is not None else "carrier"
        transport = "" if self.transport == "udp" else f";transport={self.transport}"
        host = f"[{host}]" if ":" in host else host
        return f"sip:{user}@{host}:{port}{transport}"

    def sdp(self, formats: str = PCMU_PCMA, **more: Any) -> str:
        """What it offers and answers; a phone with IPv6 has its sound on IPv4, as the engine here."""
        host = self.address[0]
        return description("203.0.113.66" if ":" in host else host, formats, **more)

    def dial(
        self,
        office: Office,
        dialled: str,
        sdp: str | None = "",
        *,
        password: str = PASSWORD,
        domain: str = "",
        **more: Any,
    ) -> InviteSession:
        """Call through the office. `sdp` empty: the phone's usual offer; None: no offer.
        `domain` is the phone's own unless given."""
        name = self.who.username if self.who is not None else "carrier"
        domain = domain or f"{self.who.tenant if self.who is not None else 'anphat'}.demo"
        more.setdefault("from_", f'"Whoever" <sip:{name}@anphat.demo>')
        return self.agent.invite(
            f"sip:{dialled}@{domain}",
            self.flow_to(office),
            sdp=self.sdp() if sdp == "" else sdp,
            contact_user=name,
            credentials=Credentials(name, password) if self.who is not None else None,
            **more,
        )

    def picks_up(self, formats: str = PCMU_PCMA) -> None:
        """Ring and answer whatever comes in from now on."""

        def answer(session: InviteSession) -> None:
            session.progress(180)
            session.accept(self.sdp(formats))

        self.handler.on["invite"] = answer

    @property
    def session(self) -> InviteSession:
        """The last call that came in here."""
        session: InviteSession = self.handler.last("invite")[1]
        return session


def with_key(text: str, key: str = THEIR_KEY) -> str:
    """A description whose last stream may be protected (RFC 4568)."""
    return f"{text}a=crypto:1 {SUITE} inline:{key}\r\n"


def protected(phone: Phone, *, key: str = THEIR_KEY, **more: Any) -> str:
    """What a phone offers and answers that takes only protected streams."""
    return with_key(phone.sdp(**more).replace("RTP/AVP", "RTP/SAVP"), key)


class Timed(Protocol):
    def deadline(self) -> float | None: ...

    def on_timers(self, now: float) -> None: ...


class OfficeAgent(UserAgent):
    """The user agent of the office; whatever it sends leaves after the office has written its journal."""

    office: Office
    also: Timed | None = None

    def drain(self) -> Any:
        self.office.before_sending()
        sent = super().drain()
        self.office.trace += [f"send {_in_short(parse(data))}" for _, data in sent]
        return sent

    def deadline(self) -> float | None:
        times = [super().deadline(), *(timed.deadline() for timed in self._timed())]
        return min((at for at in times if at is not None), default=None)

    def on_timers(self, now: float) -> None:
        super().on_timers(now)
        for timed in self._timed():
            timed.on_timers(now)

    def _timed(self) -> list[Timed]:
        also = [self.also] if self.also is not None else []
        return [self.office.front, self.office.trunks, *also]


class NetworkClock:
    """The network's time, which is also the wall's."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def monotonic(self) -> float:
        return self._network.now

    def wall(self) -> float:
        return self._network.now


class Office(Node):
    """The legs under test. Events for the call logic are kept in `events`."""

    interfaces = Interfaces()

    def __init__(
        self,
        network: Network,
        edge: FakeEdge,
        media: FakeMedia,
        contacts: dict[str, Contact],
        entries: dict[str, bytes] | None = None,
        generation: int = 0,
    ) -> None:
        self.edge = edge
        self.media = media
        self.contacts = contacts
        self.events: list[tuple[str, e.Event]] = []
        self.logic: Post | None = None
        self.trace: list[str] = []
        self.journal = MemoryJournal(self.trace)
        self.journal.kept = dict(entries or {})
        digest = DigestServer(b"s" * 32, not_before=network.now if generation else float("-inf"))
        self.lives: dict[str, Address] = {}
        """Where phones are registered, by user name."""
        guard = Guard(lambda: network.now, self._lives_at)
        self.callers = Callers(edge, digest, lambda: network.now, guard, names=["pbx.example.com"])
        calls = count(1)
        self.trunks = Trunks(
            clock=NetworkClock(network),
            journal=self.journal,
            local={"udp": [OFFICE], "tcp": [OFFICE], "tls": [(OFFICE[0], 5061)]},
            chance=lambda: 0.5,
        )
        self.front = Front(
            edge=edge,
            callers=self.callers,
            media=media,
            contacts=contacts.get,
            instances=self._instance_on,
            next_flow=self._next_flow,
            post=self.post,
            journal=self.journal,
            new_id=lambda: f"call{generation or ''}_{next(calls)}",
            addresses=[OFFICE],
            trunks=self.trunks,
            clock=lambda: network.now,
            interfaces=self.interfaces,
        )
        self.process = generation
        super().__init__(network, OFFICE, "udp")
        network.nodes[OFFICE] = self
        self.front.use(self.agent)
        self.trunks.use(self.agent)
        self.trunks.restore(self.journal.kept)
        self.trunks.follow(edge.trunks.values(), {})
        self.writers = [self.front.journal, self.trunks.journal]

    def _lives_at(self, username: str, flow: Flow) -> tuple[bool, bool]:
        home = self.lives.get(username)
        return flow.remote == home, home is not None and flow.remote[0] == home[0]

    def _next_flow(self, binding: str, *, gone: bool) -> str:
        """The binding of the same name with a plus is the phone's other flow."""
        if gone:
            self.contacts.pop(binding, None)
        return f"{binding}+" if f"{binding}+" in self.contacts else ""

    def _instance_on(self, tenant: str, device: str, flow: Flow) -> str:
        return next((x.instance for x in self.contacts.values() if x.device == device and x.flow == flow), "")

    def _new_agent(self) -> UserAgent:
        self.office_agent = OfficeAgent(
            self.front,
            clock=lambda: self.network.now,
            ids=SeededIds(f"{self.network.seed}-office-{self.process}"),
            screen=self.callers.screen,
            find_ringing=self.front.find_ringing,
        )
        self.office_agent.office = self
        return self.office_agent

    def post(self, tenant: str, event: e.Event) -> None:
        self.events.append((tenant, event))
        if self.logic is not None:
            self.logic(tenant, event)

    def before_sending(self) -> None:
        self.media.settle()
        for write in self.writers:
            write()
        self.journal.commit()

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind so far."""
        return [event for _, event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        return self.of(kind)[-1]

    def kinds(self) -> list[type]:
        return [type(event) for _, event in self.events]


class Stage:
    """An office with two tenants (anphat, binhminh), a trunk, and phones as they are asked for."""

    def __init__(self, media: FakeMedia | None = None) -> None:
        self.network = Network(7)
        self.edge = FakeEdge()
        self.media = media or FakeMedia()
        self.contacts: dict[str, Contact] = {}
        self.edge.numbers = {MAIN: "anphat", THEIRS: "binhminh"}
        self.edge.domains = {"anphat.demo": "anphat", "binhminh.demo": "binhminh"}
        self.edge.trunks["trunk"] = a_trunk("trunk", *CARRIER)
        self.office = self.new_office()
        self._hosts = count(1)
        self.carrier = Phone(self.network, CARRIER, None, "udp")

    def new_office(self, entries: dict[str, bytes] | None = None, generation: int = 0) -> Office:
        return Office(self.network, self.edge, self.media, self.contacts, entries, generation)

    def phone(
        self,
        tenant: str,
        extension: str,
        *,
        transport: Transport = "udp",
        who: FakeDevice | None = None,
        network: str = "203.0.113.",
    ) -> Phone:
        """A phone that is registered: its binding is `bnd-<extension>`."""
        who = who or device(tenant, extension, f"Person {extension}")
        self.edge.devices[who.username] = who
        host = f"{network}{next(self._hosts)}"
        phone = Phone(self.network, (host, 5060), who, transport)
        flow = self.office.flow_to(phone) if transport == "udp" else _stream(self.office, phone)
        self.contacts[f"bnd-{extension}"] = Contact(
            phone.uri, flow, who.username, f"{tenant}.demo", who.device
        )
        return phone

    def run(self, seconds: float = 0.2) -> None:
        self.network.run(seconds)

    def offered(
        self, phone: Phone, dialled: str = "102", sdp: str | None = "", **more: Any
    ) -> tuple[Any, str]:
        """The phone calls: its session, and the leg that the call logic was offered."""
        session = phone.dial(self.office, dialled, sdp, **more)
        self.run()
        return session, self.office.last(e.LegOffered).leg

    def answered(
        self, phone: Phone, dialled: str = "102", sdp: str | None = "", **more: Any
    ) -> tuple[Any, str]:
        """The phone calls and is answered."""
        session, leg = self.offered(phone, dialled, sdp, **more)
        self.office.front.answer(leg, "")
        self.run()
        assert session.confirmed
        return session, leg

    def calls(
        self,
        target: c.Target,
        leg: str = "call_x.l1",
        *,
        tenant: str = "anphat",
        caller: Party = OUTSIDE,
        match: str = "",
        **more: Any,
    ) -> str:
        """The call logic calls somebody; `more` are further fields of `CreateLeg`."""
        command = c.CreateLeg(leg.partition(".")[0], leg, target, caller, match, **more)
        self.office.front.create(tenant, command)
        self.run()
        return leg

    def talks(self, phone: Phone, extension: str, leg: str = "call_x.l1") -> str:
        """The call logic calls the phone, which answers."""
        phone.picks_up()
        self.calls(c.DeviceTarget(f"bnd-{extension}"), leg)
        assert self.office.last(e.LegAnswered).leg == leg
        return leg

    def restart(self) -> tuple[Office, dict[str, str]]:
        """`kill -9`: a new office begins from what the journal kept. Returns it with its legs."""
        entries = self.office.journal.load()
        self.office = self.new_office(entries, self.office.process + 1)
        return self.office, self.office.front.restore(entries)

    def ends(self) -> list[tuple[str, Cause]]:
        return [(event.leg, event.cause) for event in self.office.of(e.LegEnded)]

    def messages(self, start: str, *, to: Node | None = None, by: Node | None = None) -> list[Message]:
        """What went over the wire and begins so."""
        return [
            parse(data)
            for _, flow, data in self.network.log
            if data.decode("utf-8", "replace").startswith(start)
            and (to is None or flow.remote == to.address)
            and (by is None or flow.local == by.address)
        ]


def _stream(office: Office, phone: Phone) -> Any:
    import msgspec

    return msgspec.structs.replace(office.flow_to(phone), transport=phone.transport, connection=7)


def _in_short(message: Message) -> str:
    if isinstance(message, Response):
        return f"{message.status} {message.cseq.method}"
    return message.method  # type: ignore[attr-defined,no-any-return]


def statuses(session: InviteSession, phone: Phone) -> Sequence[int]:
    """The final refusals that the phone saw."""
    return [event[2] for event in phone.handler.events if event[0] == "failed" and event[1] is session]


__all__ = [
    "CARRIER",
    "MAIN",
    "OFFICE",
    "OUTSIDE",
    "SUITE",
    "THEIRS",
    "THEIR_KEY",
    "Office",
    "Opened",
    "Phone",
    "Stage",
    "protected",
    "statuses",
    "with_key",
]
