"""What is stored of a mailbox's settings. People and departments have a mailbox of their own id."""

from __future__ import annotations

import msgspec


class MailboxSetting(msgspec.Struct, frozen=True):
    """`greeting_blob` is empty for the spoken one, `pin_hash` while nobody may enter by telephone."""

    mailbox: str
    greeting_blob: str = ""
    pin_hash: str = ""
