"""For whoever watches over this installation."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tongdai.api import metrics
from tongdai.api.access import address_of
from tongdai.api.context import Ctx
from tongdai.api.problems import Problem
from tongdai.api.rpc import messages as m

router = APIRouter(tags=["Operation"])


class Health(BaseModel):
    """What works."""

    status: str = Field(description="`ok`, or `failing` with status 503.", examples=["ok"])
    control: bool = Field(description="Whether the process that serves calls answers.")
    database: bool = Field(description="Whether the database answers.")


@router.get("/healthz", summary="Does it work?", response_model=Health)
async def health(response: Response, ctx: Ctx) -> Health:
    """200 when control and the database answer this process, else 503."""
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


@router.get("/metrics", summary="Metrics of the web process", include_in_schema=False)
async def web_metrics(request: Request, ctx: Ctx) -> Response:
    _from_loopback(request)
    return Response(ctx.metrics.text(len(ctx.hub)), media_type="text/plain; version=0.0.4")


@router.get("/metrics/control", summary="Metrics of control", include_in_schema=False)
async def control_metrics(request: Request, ctx: Ctx) -> Response:
    _from_loopback(request)
    told = await ctx.control.ask(m.ReadMetrics(), m.Metrics)
    return Response(metrics.control_text(told.values), media_type="text/plain; version=0.0.4")


def _from_loopback(request: Request) -> None:
    """For this machine's own Prometheus: what it tells of all tenants is nobody else's."""
    try:
        here = ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        here = False
    if not here:
        raise Problem(404, "no_such_place", "There is nothing at this address.")
