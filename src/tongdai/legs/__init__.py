"""SIP dialogs as legs: who calls, what is offered and answered, and how legs end."""

from __future__ import annotations

from tongdai.legs.legs import Legs
from tongdai.legs.ports import Device, Edge, LegMedia, Opened, Trunks

__all__ = ["Device", "Edge", "LegMedia", "Legs", "Opened", "Trunks"]
