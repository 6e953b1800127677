"""The port. One process writes; keys are paths such as `binding/<tenant>/<device>/...`, values are opaque."""

from __future__ import annotations

from typing import Protocol


class Journal(Protocol):
    """A map that survives its process. Nothing here blocks on a disk or a network."""

    @property
    def failing(self) -> bool:
        """The alarm: the last commit could not be kept. Calls go on; what was not kept is tried again at the
        next one."""

    def put(self, key: str, value: bytes) -> None:
        """Set the value of a key, as of the next `commit`."""

    def delete(self, key: str) -> None:
        """Remove a key, as of the next `commit`. A key that does not exist is no error."""

    def commit(self) -> bool:
        """Keep everything since the last commit, all of it or nothing. Call it at the end of each tick of
        the loop, before that tick's SIP leaves. False when it failed: the alarm is on and nothing is lost
        from memory."""

    def load(self) -> dict[str, bytes]:
        """Everything that was committed, by this process and those before it."""
