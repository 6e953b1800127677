"""A file for each kind of thing: its operations and how it is shown."""

from __future__ import annotations

from fastapi import APIRouter

from tongdai.api.routes import (
    calls,
    devices,
    events,
    health,
    mailboxes,
    me,
    people,
    records,
    sign_in,
    tenants,
)

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    me.router,
    tenants.router,
    people.router,
    devices.router,
    calls.router,
    mailboxes.router,
    records.router,
    events.router,
    health.router,
)
