"""What the directory needs beside the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tongdai.calls.preferences import Preferences
from tongdai.flows.ports import MailboxView


class Bindings(Protocol):
    """Who is registered."""

    def of(self, person: str) -> Sequence[str]:
        """Ids of the person's contacts, none when nothing is registered."""


class Mailboxes(Protocol):
    """What is in the mailboxes."""

    def view(self, tenant: str, mailbox: str) -> MailboxView | None:
        """A mailbox as it is now; None when nobody of this tenant has it. People and departments have the
        mailbox of their own id.
        """

    def check_pin(self, tenant: str, mailbox: str, pin: str) -> bool:
        """Whether this PIN opens the mailbox; no PIN opens one that the tenant has not."""


class People(Protocol):
    """What people prefer."""

    def of(self, tenant: str, person: str) -> Preferences:
        """How the person's calls are treated."""
