"""When a process that ended is started again."""

from __future__ import annotations

STABLE_SECONDS = 10.0
"""A process that lived this long had no trouble in starting."""
TOLERATED = 5
"""Early ends in a row of a process that did get to work, before it is made to wait."""
FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
LONGEST_DELAY_OF_WORKING = 1.0
"""Of a process that did get to work: with what its start takes, calls sound again within 2 s, and new ones
are taken within 3 s, however often it is killed."""


class Restarts:
    """Counts the ends of one process. At once when it had worked; after a growing pause when it ends again
    and again."""

    def __init__(self) -> None:
        self.streak = 0
        """Ends in a row, each soon after its start."""

    def ended(self, lived: float, was_ready: bool) -> float:
        """The process ended after `lived` seconds; returns after how many seconds to start it again."""
        if was_ready and lived >= STABLE_SECONDS:
            self.streak = 0
        self.streak += 1
        tolerated = TOLERATED if was_ready else 1
        if self.streak <= tolerated:
            return 0.0
        longest = LONGEST_DELAY_OF_WORKING if was_ready else LONGEST_DELAY
        return min(FIRST_DELAY * 2.0 ** (self.streak - tolerated - 1), longest)
