"""What legs need of the other adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from tongdai.calls.events import Event
from tongdai.calls.model import Party
from tongdai.sdp import Negotiated
from tongdai.sip.digest import Algorithm
from tongdai.sip.flow import Flow
from tongdai.tenants.trunk.model import Gateway, Trunk


class Device(Protocol):
    """A device that may call and register: whose it is, and the hashes of its password."""

    @property
    def tenant(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def party(self) -> Party: ...
    @property
    def ha1(self) -> Mapping[Algorithm, str]: ...


class Contact(msgspec.Struct, frozen=True):
    """Where a registered device is reached: its Contact URI through the flow it registered from."""

    uri: str
    flow: Flow
    username: str
    domain: str
    device: str = ""
    instance: str = ""
    """Names the phone across addresses, when it has such a name (RFC 5626 §4.1)."""
    path: tuple[str, ...] = ()
    """Proxies between (RFC 3327), the nearest first."""
    binding: str = ""
    """By which it is found."""


class Edge(Protocol):
    """Who is who at the edge of the network. Answers from memory."""

    def device(self, username: str) -> Device | None: ...

    def account(self, username: str) -> tuple[Device | None, bool]:
        """The device, and true; or any other for a name that is nobody's, and false: looking at it takes as
        long."""

    def trunk_at(self, host: str, port: int) -> Trunk | None: ...

    def trunk(self, trunk: str) -> Trunk | None: ...

    def tenant_of_number(self, number: str) -> str | None:
        """The tenant to whom a number (E.164) belongs."""

    def tenant_of_domain(self, domain: str) -> str | None:
        """The tenant whose SIP domain this is."""

    def is_emergency(self, tenant: str, number: str) -> bool:
        """Whether a number as dialled is an emergency number where the tenant is."""

    def number_from_trunk(self, trunk: str, text: str) -> str:
        """A number as a carrier writes it, in E.164 where it can be one."""

    def number_to_trunk(self, trunk: str, number: str, emergency: bool) -> str:
        """A number as that carrier wants it."""

    def caller_to_trunk(self, trunk: str, number: str) -> str:
        """A caller's number as that carrier wants it: without what is put in front of called ones."""

    def algorithms(self, tenant: str | None) -> Sequence[Algorithm]:
        """Digest algorithms to offer, in order, MD5 first; for None, before anybody is known: the same to
        all.
        """


class Trunks(Protocol):
    """How the carriers fare: who may call through which, and which of their gateways to try first."""

    def admit(self, tenant: str, leg: str, trunk: Trunk, *, emergency: bool) -> str:
        """Take a channel for a call out; returns why there is none, empty when there is one."""

    def joined(self, tenant: str, leg: str, trunk: str) -> None:
        """A leg came in through the trunk, or was taken over: it has a channel."""

    def left(self, leg: str) -> None:
        """The leg is over, whatever it was."""

    def order(self, trunk: Trunk) -> Sequence[Gateway]:
        """Every gateway, the one to try first in front; those that are down come last."""

    def flow(self, gateway: Gateway) -> Flow:
        """How to reach it."""

    def route(self, trunk: Trunk, gateway: Gateway) -> Sequence[str]:
        """The proxies that calls shall pass, as the gateway said when we registered (RFC 3608)."""

    def heard(self, trunk: Trunk, gateway: Gateway) -> None:
        """It answered."""

    def failed(self, trunk: Trunk, gateway: Gateway, pause: float = 0.0) -> None:
        """It did not answer, or asks for a pause of so many seconds."""


class Opened(Protocol):
    """Where the leg's peer shall send its sound."""

    @property
    def ip(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def rtcp_port(self) -> int: ...


class LegMedia(Protocol):
    """The media sessions of legs."""

    def fingerprint(self, leg: str) -> str:
        """Of the certificate that the leg's engine shows to browsers."""

    def open(
        self,
        tenant: str,
        leg: str,
        done: Callable[[Opened | None, str], None],
        ip: str | None = None,
        port: int | None = None,
    ) -> None:
        """Open a session on the address `ip`, or the engine's own, and on `port` if that is free."""

    def signal(self, leg: str, ip: str, port: int) -> None:
        """Where the leg's peer signals from: its sound may come from that host too."""

    def remote(self, leg: str, agreed: Negotiated) -> None: ...

    def close(self, leg: str) -> None: ...


Contacts = Callable[[str], Contact | None]
"""The contact of a binding id, None when it is gone."""

Instances = Callable[[str, str, Flow], str]
"""The name across addresses of the phone that registered as a device (tenant, id) over a flow; empty when it
has none."""


class NextFlow(Protocol):
    """Finds another flow to the phone of a binding (RFC 5626)."""

    def __call__(self, binding: str, *, gone: bool) -> str:
        """The binding to call in place of this one, empty when there is none. `gone`: it is to be
        forgotten."""


Post = Callable[[str, Event], None]
"""Tell the call logic of a tenant what happened."""
