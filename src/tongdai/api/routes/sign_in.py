"""Signing in and out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from tongdai.api.access import Identity, Role, Who, address_of, cookie_name, is_https, same_origin
from tongdai.api.context import Context, Ctx
from tongdai.api.problems import Problem
from tongdai.api.rpc.messages import ControlSilent
from tongdai.api.shapes import Body
from tongdai.core.tenancy import TenantId
from tongdai.tenants.credentials import hash_password, verify_password
from tongdai.tenants.device import service as devices
from tongdai.tenants.login import service as logins
from tongdai.tenants.login import store
from tongdai.tenants.login.model import LoginKind

router = APIRouter(prefix="/api/v1", tags=["Sign-in"])

_AT_ONCE = asyncio.Semaphore(2)
"""argon2 takes 19 MiB and some 20 ms of a core each: a flood of logins must not take the machine down."""
_nobody: list[str] = []


class Credentials(Body):
    """What somebody signs in with."""

    email: Annotated[str, Field(max_length=254, examples=["admin@anphat.demo"])]
    password: Annotated[str, Field(max_length=1000, examples=["anphat-admin"])]


class Offer(BaseModel):
    """Somebody whose password everybody may know."""

    name: str = Field(examples=["Lan Nguyen"])
    company: str = Field(examples=["An Phát Trading"])
    does: str = Field(description="What there is to see as this person.", examples=["Sales, 101"])
    email: str
    password: str


class Me(BaseModel):
    """Who is signed in."""

    role: Role
    name: str = Field(examples=["Lan Nguyen"])
    email: str = Field(examples=["lan@anphat.demo"])
    tenant: str | None = Field(description="His tenant's id; null for the provider.")
    person: str | None = Field(description="His own id; null for the provider.")
    events: str = Field(
        description="Where live events are: with this as their `cursor` nothing is missed that happens after"
        " this answer."
    )


_OFFERS = TypeAdapter(list[Offer])


def shown(who: Identity, ctx: Context) -> Me:
    return Me(
        role=who.role,
        name=who.subject.name,
        email=who.subject.email,
        tenant=who.tenant or None,
        person=who.person or None,
        events=ctx.hub.cursor,
    )


async def verify(stored: str, password: str) -> bool:
    """In a thread; an account that does not exist takes as long as one that does."""
    async with _AT_ONCE:
        if not stored and not _nobody:
            _nobody.append(await asyncio.to_thread(hash_password, "nobody's password"))
        fits = await asyncio.to_thread(verify_password, stored or _nobody[0], password)
    return fits and bool(stored)


@router.post("/sign-in", summary="Sign in", response_description="Who is signed in; the cookie is set.")
async def sign_in(request: Request, response: Response, body: Credentials, ctx: Ctx) -> Me:
    """Begin a session, carried by an HttpOnly, SameSite cookie. Wrong passwords make further tries wait
    (429 with `Retry-After`), for this address and this account only."""
    same_origin(request)
    address, email = address_of(request), body.email.strip().lower()
    now = ctx.clock.monotonic()
    wait = ctx.guesses.wait(address, email, now)
    if wait > 0:
        seconds = int(wait) + 1
        raise Problem(
            429,
            "too_many_attempts",
            "Too many wrong passwords.",
            f"Wait {seconds} s, or ask your administrator for a new password.",
            headers={"Retry-After": str(seconds)},
        )
    # counted before it is known to be wrong: guesses that come together wait for each other's count
    ctx.guesses.failed(address, email, now)
    async with ctx.db.read() as connection:
        subject = await store.subject_by_email(connection, email)
    if not await verify(subject.password_hash if subject else "", body.password) or subject is None:
        raise Problem(
            401,
            "wrong_password",
            "This e-mail address and password do not match.",
            "Check both, then try again.",
        )
    ctx.guesses.succeeded(address, email)
    tenant, agent = TenantId(subject.tenant), request.headers.get("user-agent", "")
    async with ctx.db.write() as writing:
        login, secret = await logins.begin(
            tenant, writing, subject.person, LoginKind.SESSION,
            now=ctx.clock.wall(), address=address, agent=agent,
        )  # fmt: skip
    _set_cookie(response, is_https(request), secret, int(logins.SESSION_SECONDS))
    role = Role.PROVIDER if subject.provider else Role.ADMINISTRATOR if subject.admin else Role.EMPLOYEE
    return shown(Identity(role, tenant, subject.person, subject, login, address), ctx)


@router.get("/sign-in/offers", summary="Whom one can sign in as without asking")
async def offers(ctx: Ctx) -> list[Offer]:
    """The people of a demo on loopback, with their passwords; nobody anywhere else."""
    try:
        return _OFFERS.validate_json(await asyncio.to_thread(ctx.offers.read_bytes))
    except FileNotFoundError:
        return []


@router.post("/sign-out", status_code=204, summary="Sign out")
async def sign_out(request: Request, who: Who, response: Response, ctx: Ctx) -> None:
    """End the session or the token by which this is asked."""
    async with ctx.db.write() as connection:
        await logins.end(who.tenant, connection, who.person, who.login.id)
        phone = await devices.browser(who.tenant, connection, who.login.id)
    if phone is not None:
        with contextlib.suppress(ControlSilent):  # whoever opens a phone next sees to it
            async with ctx.writer.change(who.tenant, who.actor, "device.delete", audited=False) as change:
                await devices.forget_browsers(who.tenant, change.connection)
                change.tell(phone.id)
    _set_cookie(response, is_https(request), "", 0)


def _set_cookie(response: Response, secure: bool, secret: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(secure),
        secret,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
