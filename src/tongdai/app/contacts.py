"""Where phones are reached, as legs and guards want to know it of the registrar."""

from __future__ import annotations

from tongdai.directory.edge import Edge
from tongdai.legs.ports import Contact
from tongdai.registrar import Binding, Bindings
from tongdai.sip.flow import Flow
from tongdai.sip.message import SipUri


class Contacts:
    """Answers from memory."""

    def __init__(self, bindings: Bindings, edge: Edge) -> None:
        self._bindings = bindings
        self._edge = edge

    def find(self, binding_id: str) -> Contact | None:
        """The contact of this binding, None when it is gone."""
        binding = self._bindings.binding(binding_id)
        return self.of(binding) if binding is not None else None

    def of(self, binding: Binding) -> Contact:
        """The contact of a binding that is there."""
        user = SipUri.parse(binding.contact).user or binding.device
        domain = self._edge.domain(binding.tenant)
        return Contact(
            binding.contact,
            binding.flow,
            user,
            domain,
            binding.device,
            binding.instance,
            binding.path,
            binding.id,
        )

    def lives_at(self, username: str, flow: Flow) -> tuple[bool, bool]:
        """Whether a phone of this account is registered at the very address of this flow, and at its host."""
        device, known = self._edge.account(username)
        if device is None:
            return False, False
        here, near = self._bindings.are_at(device.tenant, device.device, flow.remote)
        return known and here, known and near
