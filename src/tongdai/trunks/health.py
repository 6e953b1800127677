"""Whether a gateway is there: by OPTIONS, and by what becomes of calls (RFC 3261 §11)."""

from __future__ import annotations

from typing import Literal

import msgspec

from tongdai.tenants.trunk.model import TrunkSettings

Change = Literal["", "up", "down"]


class Health(msgspec.Struct):
    """State as it is journaled. `failures` and `successes` are in a row; `since` is wall-clock seconds."""

    up: bool = True
    since: float = 0.0
    failures: int = 0
    successes: int = 0

    def succeeded(self, settings: TrunkSettings, wall: float) -> Change:
        """It gave a sign of life."""
        self.failures = 0
        self.successes += 1
        if self.up or self.successes < settings.successes_to_up:
            return ""
        self.up, self.since = True, wall
        return "up"

    def failed(self, settings: TrunkSettings, wall: float) -> Change:
        """It gave none when it should have."""
        self.successes = 0
        self.failures += 1
        if not self.up or self.failures < settings.failures_to_down:
            return ""
        self.up, self.since = False, wall
        return "down"


def alive(status: int, answered: bool) -> bool:
    """Whether the final answer to an OPTIONS shows a gateway that takes calls: any answer does (some know no
    OPTIONS), but that it is out of service."""
    return answered and status != 503
