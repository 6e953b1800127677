"""A file for each kind of thing: its operations and how it is shown."""

from __future__ import annotations

from fastapi import APIRouter

from tongdai.api.routes import (
    audit,
    call_log,
    calls,
    departments,
    devices,
    events,
    extensions,
    greetings,
    health,
    imports,
    mailboxes,
    me,
    menus,
    numbers,
    people,
    phone,
    phrases,
    preferences,
    prompts,
    rooms,
    sign_in,
    tenants,
    trunks,
)

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    me.router,
    phone.router,
    tenants.router,
    trunks.router,
    people.router,
    imports.router,
    preferences.router,
    devices.router,
    departments.router,
    rooms.router,
    extensions.router,
    numbers.router,
    menus.router,
    calls.router,
    call_log.router,
    mailboxes.router,
    greetings.router,
    prompts.router,
    phrases.router,
    audit.router,
    audit.provider_router,
    events.router,
    health.router,
)
