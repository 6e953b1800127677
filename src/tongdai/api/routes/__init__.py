"""A file for each kind of thing: its operations and how it is shown."""

from __future__ import annotations

from fastapi import APIRouter

from tongdai.api.routes import devices, health, me, people, sign_in, tenants

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    me.router,
    tenants.router,
    people.router,
    devices.router,
    health.router,
)
