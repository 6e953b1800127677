"""Mailboxes: answered from memory, journaled with the call, and stored in the database behind it.

mailboxes = Mailboxes(config, journal=..., blobs=..., db=..., clock=..., key=...)
await mailboxes.open(journal.load())     # the database, and what an earlier process did not store
mailboxes.view(tenant, mailbox)          # what call logic sees
mailboxes.carry_out(tenant, command)     # SaveMessage, MarkMessage, ...
await mailboxes.close()
"""

from __future__ import annotations

from tongdai.voicemail.mailboxes import Mailboxes

__all__ = ["Mailboxes"]
