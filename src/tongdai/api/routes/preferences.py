"""How a person's calls are treated."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from tongdai.api import etags
from tongdai.api.access import Member, Scope
from tongdai.api.context import Context, Ctx
from tongdai.api.rpc import messages as m
from tongdai.api.shapes import TENANT, Body, Id
from tongdai.calls.preferences import Preferences as Stored

router = APIRouter(prefix=TENANT + "/people/{person}/preferences", tags=["Preferences"])


class Preferences(BaseModel):
    """How somebody's calls are treated, whichever way it was set."""

    do_not_disturb: bool = Field(description="His phones do not ring; departments pass him by.")
    do_not_disturb_busy: bool = Field(description="Who calls then hears busy, in place of the voicemail.")
    call_waiting: bool = Field(description="A second call rings while he is in one.")
    forward: str = Field(description="Where all his calls go, as he dials it; empty: nowhere else.")
    forward_busy: str = Field(description="Where they go when he is busy, or does not want to be disturbed.")
    forward_no_answer: str = Field(description="Where they go when he does not answer.")
    forward_no_answer_seconds: float = Field(description="After so long; 0: as long as the company's ring.")
    forward_unreachable: str = Field(description="Where they go when none of his phones is there.")
    forward_confirm: bool = Field(
        description="Who answers at an outside number takes the call by pressing 1; a mobile's own voicemail "
        "does not, and the caller comes to the company's."
    )


Number = Annotated[str, Field(max_length=40, description="Empty: no longer.", examples=["102"])]


class PreferenceChanges(Body):
    """What is left out stays as it is."""

    do_not_disturb: bool = False
    do_not_disturb_busy: bool = False
    call_waiting: bool = True
    forward: Number = ""
    forward_busy: Number = ""
    forward_no_answer: Number = ""
    forward_no_answer_seconds: Annotated[float, Field(ge=0, le=120)] = 0
    forward_unreachable: Number = ""
    forward_confirm: bool = False


_STORED = {
    "do_not_disturb": "dnd",
    "do_not_disturb_busy": "dnd_busy",
    "forward": "always",
    "forward_busy": "busy",
    "forward_no_answer": "no_answer",
    "forward_no_answer_seconds": "no_answer_seconds",
    "forward_unreachable": "unreachable",
    "forward_confirm": "confirm",
}
"""The fields that have other names here."""


def _shown(stored: Stored) -> Preferences:
    names = Preferences.model_fields
    return Preferences(**{name: getattr(stored, _STORED.get(name, name)) for name in names})


async def _read(scope: Scope, ctx: Context, person: str) -> Stored:
    found = await ctx.control.ask(m.ReadPreferences(scope.tenant, person), m.PersonPreferences)
    scope.own(person)
    return found.preferences


@router.get("", summary="How a person's calls are treated", response_model=Preferences)
async def read(
    person: Id, request: Request, response: Response, scope: Member, ctx: Ctx
) -> Preferences | Response:
    """One's own, or (administrators) anybody's."""
    return etags.tagged(request, response, _shown(await _read(scope, ctx, person)))


@router.patch("", summary="Change how a person's calls are treated")
async def change(
    person: Id,
    scope: Member,
    body: PreferenceChanges,
    response: Response,
    ctx: Ctx,
    if_match: etags.IfMatch = None,
) -> Preferences:
    """From the next call on. The same as by feature codes at a phone."""
    stored = await _read(scope, ctx, person)
    before = _shown(stored)
    etags.check(if_match, before)
    given = {_STORED.get(name, name): getattr(body, name) for name in body.model_fields_set}
    asked = m.ChangePreferences(scope.tenant, person, given, stored if if_match is not None else None)
    after = _shown((await ctx.control.ask(asked, m.PersonPreferences)).preferences)
    was, now = before.model_dump(), after.model_dump()
    changed = {name: [was[name], now[name]] for name in now if was[name] != now[name]}
    await ctx.writer.note(
        scope.tenant, scope.who.actor, "preferences.change", {"target": person, "changed": changed}
    )
    return etags.sent(response, after)
