"""What phones are told without asking again: message lamps, busy lamps, presence (RFC 6665)."""

from __future__ import annotations

from tongdai.presence.subscriptions import Subscriptions

__all__ = ["Subscriptions"]
