"""What the administrator sets of a mailbox. Later changes by telephone are control's, in the same rows."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.core.tenancy import TenantId
from tongdai.tenants.checks import check_pin
from tongdai.tenants.credentials import hash_pin
from tongdai.tenants.department import store as departments
from tongdai.tenants.errors import NotFound
from tongdai.tenants.mailbox.model import MailboxSetting
from tongdai.tenants.mailbox.store import rows
from tongdai.tenants.person import store as people


async def set_pin(tenant: TenantId, connection: AsyncConnection, mailbox: str, pin: str, key: bytes) -> None:
    """Set the PIN; `key` is the server's secret (`credentials.hash_pin`)."""
    check_pin(pin)
    person = await people.rows.get(tenant, connection, mailbox)
    if person is None and await departments.rows.get(tenant, connection, mailbox) is None:
        raise NotFound("mailbox", mailbox)
    pin_hash = hash_pin(key, pin)
    if not await rows.update(tenant, connection, mailbox, pin_hash=pin_hash):
        await rows.insert(tenant, connection, [MailboxSetting(mailbox, pin_hash=pin_hash)])


async def forget(tenant: TenantId, connection: AsyncConnection, mailbox: str) -> None:
    """Drop the settings, as its person or department goes."""
    await rows.delete(tenant, connection, mailbox)
