"""Where people can be reached now: registrations (RFC 3261 §10), kept in memory and in the journal.

registrar = Registrar(bindings, admit=..., clock=clock)
registrar.on_register(incoming)          # from the user agent's handler
bindings.of(person)                      # ids of the contacts that ring for the person
bindings.binding(id).contact, .flow      # what to call, and over which path
"""

from __future__ import annotations

from tongdai.registrar.bindings import Binding, Bindings
from tongdai.registrar.registrar import Device, Registrar

__all__ = ["Binding", "Bindings", "Device", "Registrar"]
