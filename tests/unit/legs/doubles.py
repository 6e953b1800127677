"""What surrounds the legs: the edge of the network, the engine's sessions and a journal, all in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tongdai.calls.model import Party, PartyKind
from tongdai.legs.ports import Device, Opened
from tongdai.sdp import Direction, Negotiated, Secured, Srtp
from tongdai.sip.digest import Algorithm, Credentials, ha1
from tongdai.tenants.credentials import REALM
from tongdai.tenants.trunk.model import Gateway, NumberFormat, Transport, Trunk, TrunkSettings

PASSWORD = "correct horse"


class FakeDevice(msgspec.Struct, frozen=True):
    tenant: str
    person: str
    device: str
    username: str
    party: Party
    ha1: Mapping[Algorithm, str]


def a_trunk(
    name: str,
    host: str,
    port: int,
    credentials: Credentials | None = None,
    *,
    more: Sequence[Gateway] = (),
    transport: Transport = Transport.UDP,
    **settings: Any,
) -> Trunk:
    """A carrier at this address and at `more`, that is asked for signs of life only when a test wants so."""
    settings.setdefault("options_seconds", 0.0)
    if credentials is not None:
        settings |= {"username": credentials.username, "password": credentials.password}
    gateways = (Gateway(host, port, transport), *more)
    return Trunk(name, name.capitalize(), NumberFormat.DIGITS, "VN", gateways, TrunkSettings(**settings))


def device(tenant: str, extension: str, name: str) -> FakeDevice:
    """A device `<tenant>-<extension>` with the password that all of them have here."""
    username = f"{tenant}-{extension}"
    party = Party(PartyKind.PERSON, extension, name, f"person-{username}", f"device-{username}")
    hashes: dict[Algorithm, str] = {
        "MD5": ha1(username, REALM, PASSWORD, "MD5"),
        "SHA-256": ha1(username, REALM, PASSWORD, "SHA-256"),
    }
    return FakeDevice(tenant, party.person, party.device, username, party, hashes)


class FakeEdge:
    """Devices, trunks and numbers by hand. A trunk writes numbers without the plus."""

    def __init__(self) -> None:
        self.devices: dict[str, FakeDevice] = {}
        self.trunks: dict[str, Trunk] = {}
        self.numbers: dict[str, str] = {}
        self.domains: dict[str, str] = {}

    def device(self, username: str) -> Device | None:
        return self.devices.get(username)

    def account(self, username: str) -> tuple[Device | None, bool]:
        found = self.devices.get(username)
        return found or next(iter(self.devices.values()), None), found is not None

    def trunk_at(self, host: str, port: int) -> Trunk | None:
        return next((x for x in self.trunks.values() for y in x.gateways if y.address == (host, port)), None)

    def trunk(self, trunk: str) -> Trunk | None:
        return self.trunks.get(trunk)

    def tenant_of_number(self, number: str) -> str | None:
        return self.numbers.get(number)

    def tenant_of_domain(self, domain: str) -> str | None:
        return self.domains.get(domain)

    def is_emergency(self, tenant: str, number: str) -> bool:
        return number == "113"

    def number_from_trunk(self, trunk: str, text: str) -> str:
        return f"+{text}" if text.isdigit() and len(text) > 6 else text

    def number_to_trunk(self, trunk: str, number: str, emergency: bool) -> str:
        return number if emergency else number.removeprefix("+")

    def caller_to_trunk(self, trunk: str, number: str) -> str:
        return number.removeprefix("+")

    def algorithms(self, tenant: str | None) -> Sequence[Algorithm]:
        return ("MD5", "SHA-256")


class Ports(msgspec.Struct, frozen=True):
    """Implements `legs.ports.Opened`."""

    ip: str
    port: int
    rtcp_port: int


class Remote(msgspec.Struct, frozen=True):
    """What the engine was told of a leg's peer."""

    ip: str
    port: int
    rtcp_port: int
    codecs: tuple[tuple[str, int], ...]
    dtmf: tuple[int, ...]
    direction: Direction
    srtp: Srtp | None
    secured: Secured | None


class FakeMedia:
    """The engine's sessions of legs. Each is open at the next `settle` unless `hold` or `refuse` says
    otherwise.
    """

    certificate = "sha-256 " + ":".join(["AB"] * 32)

    def __init__(self) -> None:
        self.hold = False
        self.refuse = ""
        self.occupied = False
        self.wished: dict[str, int] = {}
        self.live: dict[str, str] = {}
        self.closed: list[str] = []
        self.opened: list[str] = []
        self._ports: dict[str, int] = {}
        self.remotes: dict[str, list[Remote]] = {}
        self.signalled: dict[str, tuple[str, int]] = {}
        """Where each leg's peer signals from."""
        self._opening: list[tuple[str, Callable[[Opened | None, str], None]]] = []
        self._port = 20000
        self._ips: dict[str, str | None] = {}

    def settle(self) -> None:
        """Answer every `open` so far."""
        while self._opening and not self.hold:
            leg, done = self._opening.pop(0)
            if self.refuse:
                self.live.pop(leg, None)
                done(None, self.refuse)
            else:
                self._port += 2
                wished = self.wished.pop(leg, 0) if not self.occupied else 0
                self._ports[leg] = port = wished or self._port
                done(Ports(self._ips.pop(leg, None) or "192.0.2.100", port, port + 1), "")

    def forget_opening(self) -> None:
        """Who asked is gone."""
        self._opening.clear()

    @property
    def opening(self) -> list[str]:
        return [leg for leg, _ in self._opening]

    def remote_of(self, leg: str) -> Remote:
        """What holds now."""
        return self.remotes[leg][-1]

    def open(
        self,
        tenant: str,
        leg: str,
        done: Callable[[Opened | None, str], None],
        ip: str | None = None,
        port: int | None = None,
    ) -> None:
        self.live[leg] = tenant
        if port is not None:
            self.wished[leg] = port
        self.opened.append(leg)
        self._opening.append((leg, done))
        self._ips[leg] = ip

    def port_of(self, leg: str) -> int:
        """Where it receives."""
        return self._ports[leg]

    def fingerprint(self, leg: str) -> str:
        return self.certificate

    def signal(self, leg: str, ip: str, port: int) -> None:
        self.signalled[leg] = ip, port

    def remote(self, leg: str, agreed: Negotiated) -> None:
        assert leg in self.live, f"remote of {leg}, which has no session"
        told = Remote(
            agreed.remote_host,
            agreed.remote_port,
            agreed.remote_rtcp_port,
            tuple((codec.name, codec.send_pt) for codec in agreed.codecs),
            tuple(event.send_pt for event in agreed.dtmf),
            agreed.direction,
            agreed.srtp,
            agreed.secured,
        )
        self.remotes.setdefault(leg, []).append(told)

    def close(self, leg: str) -> None:
        if self.live.pop(leg, None) is not None:
            self.closed.append(leg)


class MemoryJournal:
    """Keeps what was committed; `trace` gets a line for every commit that wrote something."""

    def __init__(self, trace: list[str] | None = None) -> None:
        self.failing = False
        self.trace = trace if trace is not None else []
        self.kept: dict[str, bytes] = {}
        self.pending: dict[str, bytes | None] = {}

    def put(self, key: str, value: bytes) -> None:
        self.pending[key] = value

    def delete(self, key: str) -> None:
        self.pending[key] = None

    def commit(self) -> bool:
        if self.pending:
            for key, value in self.pending.items():
                self.kept.pop(key, None)
                if value is not None:
                    self.kept[key] = value
            self.trace.append("commit " + " ".join(sorted(self.pending)))
            self.pending = {}
        return not self.failing

    def load(self) -> dict[str, bytes]:
        return dict(self.kept)
