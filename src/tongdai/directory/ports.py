"""What the directory needs beside the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tongdai.flows.ports import MailboxView


class Bindings(Protocol):
    """Who is registered."""

    def of(self, person: str) -> Sequence[str]:
        """Ids of the person's contacts, none when nothing is registered."""


class Mailboxes(Protocol):
    """What is in the mailboxes."""

    def view(self, tenant: str, mailbox: str) -> MailboxView | None:
        """The messages, and the greeting when it is a recording (`Clip`); any other greeting, and the label,
        are the directory's to give. None for a mailbox that was never used.
        """

    def check_pin(self, tenant: str, mailbox: str, pin: str) -> bool: ...
