"""Runs the tenants of this node: events in, the call logic, commands out, and everything journaled in
between.
"""

from __future__ import annotations

from tongdai.switch.ports import Legs, Log, Mail, Media, People
from tongdai.switch.switch import Switch

__all__ = ["Legs", "Log", "Mail", "Media", "People", "Switch"]
