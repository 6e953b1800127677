"""Calls in progress, and what can be done to them; who is reachable."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tongdai.api import shapes
from tongdai.api.access import Member, Scope, forbidden
from tongdai.api.context import Context, Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.problems import Problem, not_found
from tongdai.api.routes import people
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id, when
from tongdai.core.ids import new_id
from tongdai.tenants.features import Codes, Feature
from tongdai.tenants.person import service as persons
from tongdai.tenants.tenant import service as tenants

router = APIRouter(prefix=TENANT, tags=["Live calls"], route_class=Once)

_PRESENCE_SECONDS = 0.25

Dialled = Annotated[str, Field(pattern=r"^[+*#0-9]{1,32}$", examples=["102"])]
LegId = Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,80}$", examples=["call_01k9x4m2v7.l1"])]


class Leg(BaseModel):
    """One party's side of a call."""

    id: str
    party: shapes.Party
    state: str = Field(description="offered, alerting, calling, ringing or answered.")
    holding: bool = Field(description="Whether this party has put the other on hold.")
    since: datetime
    silent: bool = Field(
        description="Whether it is not heard, though it talks: its phone has sent nothing for five seconds, "
        "or nothing but silence since it was answered."
    )
    sip_call_id: str = Field(description="The Call-ID by which its phone knows it; empty where it has none.")


class Call(BaseModel):
    """A call in progress."""

    id: str
    state: str = Field(description="ringing, talking, held, waiting, parked, conference or service.")
    place: str = Field(description="Where it is, as people call it.", examples=["Support"])
    started: datetime
    caller: shapes.Party
    dialled: str
    legs: list[Leg]


class Wanted(Body):
    """A call to be made."""

    to: Annotated[Dialled, Field(description="What the person would dial.")]
    person: Annotated[
        str | None, Field(max_length=64, description="Whose phones ring first; null: one's own.")
    ] = None


class Made(BaseModel):
    """A call that begins to ring."""

    id: str


class Holding(Body):
    """Hold, or take back."""

    leg: LegId
    on: bool = True


class Move(Body):
    """Where a call goes: a number, or somebody's voicemail."""

    to: Annotated[Dialled | None, Field(description="Extension, number or parking place.")] = None
    voicemail: Annotated[str | None, Field(max_length=64, description="Id of a person or department.")] = None
    leg: Annotated[
        LegId | None, Field(description="The leg that goes there; null: the other end of one's own.")
    ] = None


class Moved(BaseModel):
    """Where it went."""

    to: str


class Pull(Body):
    """Whose phone takes the call."""

    person: Annotated[str | None, Field(max_length=64, description="Null: one's own.")] = None
    leg: Annotated[LegId | None, Field(description="The leg that comes; null: the one it is about.")] = None


class Presence(BaseModel):
    """Whether somebody can be reached."""

    person: str
    state: str = Field(description="offline, available, ringing or talking.")
    do_not_disturb: bool


def _shown(call: m.LiveCall) -> Call:
    return Call(
        id=call.id,
        state=call.state,
        place=call.place,
        started=when(call.started),
        caller=shapes.party(call.caller),
        dialled=call.dialled,
        legs=[
            Leg(
                id=x.id,
                party=shapes.party(x.party),
                state=x.state,
                holding=x.holding,
                since=when(x.since),
                silent=x.silent,
                sip_call_id=x.call_id,
            )
            for x in call.legs
        ],
    )


async def _visible(scope: Scope, ctx: Context) -> list[m.LiveCall]:
    """An administrator sees every call, an employee those that he is in."""
    found = (await ctx.control.ask(m.ListCalls(scope.tenant), m.Calls)).calls
    return [x for x in found if scope.administers or scope.who.person in x.people]


async def _one(scope: Scope, ctx: Context, call: str) -> m.LiveCall:
    found = next((x for x in await _visible(scope, ctx) if x.id == call), None)
    if found is None:
        raise not_found("call", call)
    return found


async def _note(scope: Scope, ctx: Context, action: str, **what: Any) -> None:
    await ctx.writer.note(scope.tenant, scope.who.actor, action, what)


@router.get("/calls", summary="Calls in progress")
async def list_calls(scope: Member, ctx: Ctx) -> list[Call]:
    """Every one for administrators, one's own for an employee."""
    return [_shown(x) for x in await _visible(scope, ctx)]


@router.post("/calls", status_code=201, summary="Make a call")
async def make_call(scope: Member, body: Wanted, ctx: Ctx, idempotency_key: Documented = None) -> Made:
    """The person's phones ring; when one answers, it is connected as if it had dialled `to`."""
    person = body.person or scope.who.person
    if not person:
        raise Problem(422, "person_needed", "Whose phone shall ring?", "Name a person.")
    scope.own(person)
    call = new_id("call")
    await ctx.control.ask(m.Originate(scope.tenant, call, person, body.to), m.Done)
    await _note(scope, ctx, "call.originate", target=call, to=body.to, person=person)
    return Made(id=call)


@router.get("/calls/{call}", summary="A call in progress")
async def read_call(call: Id, scope: Member, ctx: Ctx) -> Call:
    """404 once it has ended."""
    return _shown(await _one(scope, ctx, call))


@router.delete("/calls/{call}", status_code=204, summary="Hang up")
async def hang_up(call: Id, scope: Member, ctx: Ctx) -> None:
    """The whole call ends."""
    await _one(scope, ctx, call)
    await ctx.control.ask(m.HangUp(scope.tenant, call), m.Done)
    await _note(scope, ctx, "call.hangup", target=call)


@router.post("/calls/{call}/hold", status_code=204, summary="Hold, or take back")
async def hold(call: Id, scope: Member, body: Holding, ctx: Ctx) -> None:
    """The other end of `leg` hears music."""
    found = await _one(scope, ctx, call)
    leg = next((x for x in found.legs if x.id == body.leg), None)
    if leg is None:
        raise not_found("leg", body.leg)
    if not scope.administers and leg.party.person != scope.who.person:
        raise forbidden("administrators and whose leg it is")
    await ctx.control.ask(m.Hold(scope.tenant, call, body.leg, body.on), m.Done)
    await _note(scope, ctx, "call.hold", target=call, leg=body.leg, on=body.on)


@router.post("/calls/{call}/transfer", summary="Transfer")
async def transfer(call: Id, scope: Member, body: Move, ctx: Ctx) -> Moved:
    """A leg goes elsewhere; whatever else the call consists of ends."""
    await _one(scope, ctx, call)
    if (body.to is None) == (body.voicemail is None):
        raise Problem(
            422, "one_of", "Give either `to` or `voicemail`.", "Leave one of them out.",
            errors=[("/to", "this or voicemail")],
        )  # fmt: skip
    return await _move(scope, ctx, call, body.to or body.voicemail or "", body.leg, body.to is None)


@router.post("/calls/{call}/park", summary="Park")
async def park(call: Id, scope: Member, ctx: Ctx) -> Moved:
    """On the first free parking place, which the answer names; who dials it takes the call back."""
    await _one(scope, ctx, call)
    return await _move(scope, ctx, call, "", None, False)


@router.post("/calls/{call}/pull", summary="Take a call to a phone")
async def pull(call: Id, scope: Member, body: Pull, ctx: Ctx) -> Moved:
    """A call that is parked, waits or talks comes to the person's phones; of one that still rings elsewhere,
    the phones ring and whichever answers picks it up (by the code for that and the extension)."""
    found = await _one(scope, ctx, call)
    who = body.person or scope.who.person
    if not who:
        raise Problem(422, "person_needed", "Whose phone shall ring?", "Name a person.")
    scope.own(who)
    async with ctx.db.read() as connection:
        person = (
            await people.show(scope.tenant, connection, [await persons.get(scope.tenant, connection, who)])
        )[0]
        own_codes = (await tenants.get(scope.tenant, connection)).feature_codes
    if person.extension is None:
        raise Problem(
            409, "no_extension", f"{person.name} has no extension, so no phone.", "Give them one first."
        )  # fmt: skip
    ringing = next((x.party.number for x in found.legs if x.state == "ringing" and x.party.person), "")
    if found.state != "ringing" or not ringing:
        return await _move(scope, ctx, call, person.extension, body.leg, False)
    code = Codes.with_own(own_codes).of[Feature.PICKUP]
    if not code:
        raise Problem(
            409, "no_pickup", "Picking up the calls of others is switched off here.",
            "An administrator can give it a code: `feature_codes` of the company.",
        )  # fmt: skip
    asked = m.Originate(scope.tenant, new_id("call"), who, code + ringing)
    await ctx.control.ask(asked, m.Done)
    await _note(scope, ctx, "call.pickup", target=call, to=person.extension)
    return Moved(to=person.extension)


async def _move(scope: Scope, ctx: Context, call: str, to: str, leg: str | None, mailbox: bool) -> Moved:
    asked = m.Transfer(scope.tenant, call, to, scope.who.person, leg or "", mailbox)
    went = (await ctx.control.ask(asked, m.Done)).detail
    await _note(scope, ctx, "call.transfer", target=call, to=went)
    return Moved(to=went)


@router.get("/presence", summary="Who can be reached")
async def presence(scope: Member, ctx: Ctx) -> list[Presence]:
    """Everybody of the company, as of now. A call of one is news for every page of the company: control is
    asked once for those that come at the same moment, and again after the next news."""
    now, news = ctx.clock.monotonic(), ctx.hub.presence_of(scope.tenant)
    at, after, told = ctx.presence.get(scope.tenant, (now, -1, None))
    if told is None or after != news or now - at >= _PRESENCE_SECONDS:
        told = await ctx.control.ask(m.ListPresence(scope.tenant), m.Presence)
        ctx.presence[scope.tenant] = now, news, told
    return [Presence(person=x.person, state=x.state, do_not_disturb=x.dnd) for x in told.people]
