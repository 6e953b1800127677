"""The rows of mailboxes' settings."""

from __future__ import annotations

from tongdai.db.tables import mailbox_setting
from tongdai.tenants.mailbox.model import MailboxSetting
from tongdai.tenants.rows import TenantRows

rows = TenantRows(mailbox_setting, MailboxSetting, "mailbox")
