"""What legs need of the other adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from tongdai.calls.events import Event
from tongdai.calls.model import Party
from tongdai.sdp import Negotiated
from tongdai.sip.digest import Algorithm, Credentials
from tongdai.sip.flow import Flow


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


class Trunk(Protocol):
    """A carrier's peer, known by its address and port."""

    @property
    def id(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def credentials(self) -> Credentials | None: ...


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


class Edge(Protocol):
    """Who is who at the edge of the network. Answers from memory."""

    def device(self, username: str) -> Device | None: ...

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

    def algorithms(self, tenant: str | None) -> Sequence[Algorithm]:
        """Digest algorithms to offer, in order, MD5 first; for None, before anybody is known: the same to
        all.
        """


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

    @property
    def fingerprint(self) -> str:
        """Of the certificate that the engine shows to browsers."""

    def open(
        self, tenant: str, leg: str, done: Callable[[Opened | None, str], None], ip: str | None = None
    ) -> None:
        """Open a session on the address `ip`, or the engine's own."""

    def remote(self, leg: str, agreed: Negotiated) -> None: ...

    def close(self, leg: str) -> None: ...


Contacts = Callable[[str], Contact | None]
"""The contact of a binding id, None when it is gone."""

Instances = Callable[[str, str, Flow], str]
"""The name across addresses of the phone that registered as a device (tenant, id) over a flow; empty when it
has none."""

Post = Callable[[str, Event], None]
"""Tell the call logic of a tenant what happened."""
