"""A file for each kind of thing: its operations and how it is shown."""

from __future__ import annotations

from fastapi import APIRouter

from tongdai.api.routes import (
    calls,
    departments,
    devices,
    events,
    extensions,
    health,
    mailboxes,
    me,
    numbers,
    people,
    preferences,
    records,
    rooms,
    sign_in,
    tenants,
)

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    me.router,
    tenants.router,
    people.router,
    preferences.router,
    devices.router,
    departments.router,
    rooms.router,
    extensions.router,
    numbers.router,
    calls.router,
    mailboxes.router,
    records.router,
    events.router,
    health.router,
)
