"""Who is who at the edge of the network: devices, trunks, numbers and domains of all tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

from tongdai.calls.model import Party, PartyKind
from tongdai.sip.digest import Algorithm
from tongdai.tenants.config import ProviderConfig, TenantConfig
from tongdai.tenants.numbering import carrier_number, is_emergency, national_form
from tongdai.tenants.trunk.model import NumberFormat, Transport, Trunk


class DeviceRef(msgspec.Struct, frozen=True):
    """A device, whose it is, and the hashes of its password."""

    tenant: str
    person: str
    device: str
    username: str
    party: Party
    ha1: Mapping[Algorithm, str]


class Edge:
    """Answers from memory. Nothing here tells one tenant of another but that a number is taken."""

    def __init__(self, config: ProviderConfig, former: Edge | None = None) -> None:
        """`former` has made already what is known of the tenants whose configuration is the same object."""
        self.number_owners: dict[str, str] = dict(former.number_owners) if former else {}
        self._devices: dict[str, DeviceRef] = dict(former._devices) if former else {}
        self._tenants: dict[str, str] = dict(former._tenants) if former else {}
        self._known: dict[str, TenantConfig] = {str(x.id): x for x in config.tenants}
        self._countries = {str(x.id): x.country for x in config.tenants}
        self._sha256 = {str(x.id) for x in config.tenants if x.sha256_digest}
        known = former._known if former else {}
        for tenant in known.values():
            if self._known.get(tenant.id) is not tenant:
                self._forget(tenant)
        for tenant in config.tenants:
            if known.get(tenant.id) is not tenant:
                self._note(tenant)
        self._everybody = tuple(self._devices.values())
        self.follow_trunks(config.trunks)

    def _note(self, tenant: TenantConfig) -> None:
        self._tenants[tenant.domain] = tenant.id
        self.number_owners.update({x.number: tenant.id for x in tenant.numbers})
        people = {x.id: x for x in tenant.people}
        for device in tenant.devices:
            owner = people[device.person]
            self._devices[device.username] = DeviceRef(
                tenant=tenant.id,
                person=owner.id,
                device=device.id,
                username=device.username,
                party=Party(PartyKind.PERSON, owner.extension, owner.name, owner.id, device.id),
                ha1={"MD5": device.ha1_md5, "SHA-256": device.ha1_sha256},
            )

    def _forget(self, tenant: TenantConfig) -> None:
        """But not what has gone to another tenant."""
        if self._tenants.get(tenant.domain) == tenant.id:
            del self._tenants[tenant.domain]
        for number in tenant.numbers:
            if self.number_owners.get(number.number) == tenant.id:
                del self.number_owners[number.number]
        for device in tenant.devices:
            known = self._devices.get(device.username)
            if known is not None and known.tenant == tenant.id:
                del self._devices[device.username]

    def become(self, newer: Edge) -> None:
        """Answer as `newer` does from now on. `number_owners` stays the same object, which others hold."""
        owners = self.number_owners
        owners.clear()
        owners.update(newer.number_owners)
        vars(self).update(vars(newer))
        self.number_owners = owners

    def follow_trunks(self, trunks: Iterable[Trunk]) -> None:
        """These are the trunks from now on, with the addresses that their names have now."""
        self._trunks = {trunk.id: trunk for trunk in trunks}
        self._by_address: dict[tuple[str, int], Trunk] = {}
        self._by_source: dict[str, Trunk] = {}
        self._by_network: list[tuple[IPv4Network | IPv6Network, Trunk]] = []
        for trunk in self._trunks.values():
            self._by_address |= {gateway.address: trunk for gateway in trunk.gateways if gateway.located}
            self._note_sources(trunk)

    def device(self, username: str) -> DeviceRef | None:
        """User names are unique anywhere; the domain is not needed."""
        return self._devices.get(username)

    def account(self, username: str) -> tuple[DeviceRef | None, bool]:
        """The device, and true; or another, always the same for a name that is nobody's, and false: what is
        done with it takes as long. None only when there is no device at all."""
        if not self._everybody:
            return None, False
        found = self._devices.get(username, self._everybody[hash(username) % len(self._everybody)])
        return found, found.username == username

    def _note_sources(self, trunk: Trunk) -> None:
        """Who calls over a stream does so from any port."""
        for gateway in trunk.gateways:
            if gateway.located and gateway.transport is not Transport.UDP:
                self._by_source[gateway.host] = trunk
        for source in trunk.settings.sources:
            network = ip_network(source)
            if network.num_addresses == 1:
                self._by_source[str(network.network_address)] = trunk
            else:
                self._by_network.append((network, trunk))

    def trunk_at(self, host: str, port: int) -> Trunk | None:
        """The carrier that calls from there; None for everybody else."""
        known = self._by_address.get((host, port)) or self._by_source.get(host)
        if known is not None or not self._by_network:
            return known
        try:
            address = ip_address(host)
        except ValueError:
            return None
        return next((trunk for network, trunk in self._by_network if address in network), None)

    def trunk(self, trunk: str) -> Trunk | None:
        return self._trunks.get(trunk)

    def tenant_of_number(self, number: str) -> str | None:
        """The tenant to whom a number (E.164) belongs."""
        return self.number_owners.get(number)

    def is_emergency(self, tenant: str, number: str) -> bool:
        """Whether a number as dialled is an emergency number where the tenant is."""
        return is_emergency(self._countries[tenant], number)

    def is_emergency_somewhere(self, number: str) -> bool:
        """Whether it is an emergency number where any tenant is: for who does not know yet who calls."""
        return any(is_emergency(country, number) for country in set(self._countries.values()))

    def number_from_trunk(self, trunk: str, text: str) -> str:
        """A number as that carrier writes it, in E.164 where it can be one, else as it is."""
        known = self._trunks[trunk]
        text = text.removeprefix(known.settings.inbound_prefix)
        return carrier_number(text, known.country) or text

    def number_to_trunk(self, trunk: str, number: str, emergency: bool = False) -> str:
        """A number as that carrier wants it; emergency numbers are the same everywhere."""
        if emergency:
            return number
        known = self._trunks[trunk]
        return known.settings.prefix + _written(number, known)[known.settings.strip :]

    def caller_to_trunk(self, trunk: str, number: str) -> str:
        """A caller's number as that carrier wants it: without what is put in front of called ones."""
        return _written(number, self._trunks[trunk])

    def domain(self, tenant: str) -> str:
        return self._known[tenant].domain

    def tenant_of_domain(self, domain: str) -> str | None:
        return self._tenants.get(domain.lower())

    def algorithms(self, tenant: str | None) -> Sequence[Algorithm]:
        """Digest algorithms to offer, MD5 first: older phones take the first. Before a tenant is known, what
        any of them wants, so that the challenge does not tell them apart.
        """
        if tenant in self._sha256 if tenant is not None else self._sha256:
            return ("MD5", "SHA-256")
        return ("MD5",)


def _written(number: str, trunk: Trunk) -> str:
    if trunk.number_format == NumberFormat.DIGITS:
        return number.removeprefix("+")
    if trunk.number_format == NumberFormat.NATIONAL:
        return national_form(number, trunk.country)
    return number
