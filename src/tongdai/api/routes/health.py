"""For whoever watches over this installation."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tongdai.api import metrics
from tongdai.api.access import address_of
from tongdai.api.context import Ctx
from tongdai.api.problems import Problem
from tongdai.api.rpc import messages as m

router = APIRouter(tags=["Operation"])

_BY_PROXIES = ("forwarded", "x-forwarded-for")


class Health(BaseModel):
    """What works."""

    status: str = Field(description="`ok`, or `failing` with status 503.", examples=["ok"])
    control: bool = Field(description="Whether the process that serves calls answers.")
    database: bool = Field(description="Whether the database answers.")


def _watcher(request: Request, ctx: Ctx) -> None:
    """This machine's own monitoring, or of a network that was named: what is told of all tenants is nobody
    else's. What came through a proxy may be from anybody. Raises `Problem` 404."""
    try:
        address = ipaddress.ip_address(address_of(request))
    except ValueError:
        address = ipaddress.ip_address("::")
    address = getattr(address, "ipv4_mapped", None) or address  # who listens on :: is told of IPv4 so
    known = address.is_loopback or any(address in network for network in ctx.watchers)
    if not known or any(name in request.headers for name in _BY_PROXIES):
        raise Problem(404, "no_such_place", "There is nothing at this address.")


Watched = [Depends(_watcher)]


@router.get("/healthz", summary="Does it work?", response_model=Health, dependencies=Watched)
async def health(response: Response, ctx: Ctx) -> Health:
    """200 when control and the database answer this process, else 503. For this machine, and networks
    that are configured."""
    control = database = True
    try:
        await ctx.control.ask(m.ReadMetrics(), m.Metrics)
    except m.ControlSilent:
        control = False
    try:
        async with ctx.db.read() as connection:
            await connection.execute(text("SELECT 1"))
    except DBAPIError:
        database = False
    works = control and database
    response.status_code = 200 if works else 503
    return Health(status="ok" if works else "failing", control=control, database=database)


@router.get("/metrics", include_in_schema=False, dependencies=Watched)
async def web_metrics(ctx: Ctx) -> Response:
    return Response(ctx.metrics.text(len(ctx.hub)), media_type="text/plain; version=0.0.4")


@router.get("/metrics/control", include_in_schema=False, dependencies=Watched)
async def control_metrics(ctx: Ctx) -> Response:
    told = await ctx.control.ask(m.ReadMetrics(), m.Metrics)
    return Response(metrics.control_text(told.values), media_type="text/plain; version=0.0.4")
