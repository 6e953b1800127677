"""How the carriers fare: registrations with them, signs of life of their gateways, and who may still call."""

from __future__ import annotations

from tongdai.trunks.limits import Limit
from tongdai.trunks.locator import Locator
from tongdai.trunks.trunks import GatewayState, TenantLimits, Trunks

__all__ = ["GatewayState", "Limit", "Locator", "TenantLimits", "Trunks"]
