"""One's own account: password, sessions, tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tongdai.api.access import Identity, Role, Who, forbidden
from tongdai.api.context import Context, Ctx
from tongdai.api.idempotency import Documented, Once
from tongdai.api.problems import Problem
from tongdai.api.routes.sign_in import Me, shown, verify
from tongdai.api.shapes import Body, Id, when
from tongdai.tenants.device import service as devices
from tongdai.tenants.login import service as logins
from tongdai.tenants.login.model import Login, LoginKind
from tongdai.tenants.person import service as people
from tongdai.tenants.provider import service as provider

router = APIRouter(prefix="/api/v1/me", tags=["Own account"], route_class=Once)


class Session(BaseModel):
    """A session of a browser."""

    id: str
    current: bool = Field(description="Whether it is the one that asks.")
    created: datetime
    seen: datetime = Field(description="When it was used last, to the minute.")
    expires: datetime
    address: str = Field(description="From where it was used last.", examples=["203.0.113.7"])
    agent: str = Field(description="By which browser.", examples=["Mozilla/5.0 …"])


class Token(BaseModel):
    """A token of a programme. Its secret is not shown again."""

    id: str
    name: str = Field(examples=["CRM"])
    created: datetime
    seen: datetime
    expires: datetime


class NewToken(Body):
    """A token to be made."""

    name: Annotated[str, Field(description="What it is for.", examples=["CRM"])]
    days: Annotated[int, Field(ge=1, le=3650, description="How long it lasts.")] = logins.TOKEN_DAYS


class TokenWithSecret(Token):
    """A token that was just made."""

    secret: str = Field(description="Send it as `Authorization: Bearer SECRET`. Shown this once.")


class IceServer(BaseModel):
    """As `RTCPeerConnection` takes it."""

    urls: list[str] = Field(examples=[["turn:turn.example.net:3478"]])
    username: str | None = Field(default=None, examples=["1795000000:person_1"])
    credential: str | None = None


class IceServers(BaseModel):
    """What a browser phone gives to its `RTCPeerConnection`."""

    ice_servers: list[IceServer] = Field(description="Its `iceServers`; none when the provider has set none.")
    expires: datetime = Field(description="When the credentials can no longer begin a call.")


class PasswordChange(Body):
    """A password to be changed."""

    current: Annotated[str, Field(max_length=1000)]
    password: Annotated[str, Field(max_length=1000, description="The new one, 8 characters or more.")]


@router.get("", summary="Who am I?")
async def me(who: Who, ctx: Ctx) -> Me:
    """Who is signed in, in which role, and where."""
    return shown(who, ctx)


@router.put("/password", status_code=204, summary="Change one's own password")
async def change_password(who: Who, body: PasswordChange, ctx: Ctx) -> None:
    """Ends every other session and all tokens."""
    now = ctx.clock.monotonic()
    if ctx.guesses.wait(who.address, who.subject.email, now) > 0:
        raise Problem(429, "too_many_attempts", "Too many wrong passwords.", "Try again later.")
    if not await verify(who.subject.password_hash, body.current):
        ctx.guesses.failed(who.address, who.subject.email, now)
        raise Problem(
            422, "wrong_password", "The present password is another.", "Give the one you signed in with.",
            errors=[("/current", "not the present password")],
        )  # fmt: skip
    async with ctx.writer.change(who.tenant, who.actor, "password.change") as change:
        if who.role is Role.PROVIDER:
            await provider.set_password(change.connection, body.password)
        else:
            await people.set_password(who.tenant, change.connection, who.person, body.password)
        await logins.end_others(who.tenant, change.connection, who.person, but=who.login.id)
        await devices.forget_browsers(who.tenant, change.connection)
        change.tell(who.person)


@router.get("/sessions", summary="One's own sessions")
async def sessions(who: Who, ctx: Ctx) -> list[Session]:
    """Every browser that is signed in."""
    return [
        Session(
            id=x.id,
            current=x.id == who.login.id,
            created=when(x.created),
            seen=when(x.seen),
            expires=when(x.expires),
            address=x.address,
            agent=x.agent,
        )
        for x in await _logins(who, ctx, LoginKind.SESSION)
    ]


@router.delete("/sessions/{session}", status_code=204, summary="End a session")
async def end_session(session: Id, who: Who, ctx: Ctx) -> None:
    """Sign another browser out."""
    await _end(who, ctx, session)


@router.get("/ice-servers", summary="Servers that help one's browser phone", response_model_exclude_none=True)
async def ice_servers(who: Who, ctx: Ctx) -> IceServers:
    """STUN and TURN servers, with credentials that are only this person's. Ask before each call: they end."""
    if not who.person:
        raise forbidden("who has an extension")
    username, credential, end = ctx.turn.credentials(who.person, ctx.clock.wall())
    stun = [url for url in ctx.turn.urls if url.lower().startswith("stun")]
    turn = [url for url in ctx.turn.urls if url not in stun]
    servers = [IceServer(urls=stun)] if stun else []
    if turn:
        servers.append(IceServer(urls=turn, username=username, credential=credential))
    return IceServers(ice_servers=servers, expires=when(end))


@router.get("/tokens", summary="One's own tokens")
async def tokens(who: Who, ctx: Ctx) -> list[Token]:
    """Every token that still works."""
    return [Token(**_token(x)) for x in await _logins(who, ctx, LoginKind.TOKEN)]


@router.post("/tokens", status_code=201, summary="Make a token")
async def make_token(
    who: Who, body: NewToken, ctx: Ctx, idempotency_key: Documented = None
) -> TokenWithSecret:
    """For a programme; it may do what its maker may."""
    async with ctx.writer.change(who.tenant, who.actor, "token.create") as change:
        login, secret = await logins.begin(
            who.tenant, change.connection, who.person, LoginKind.TOKEN,
            now=ctx.clock.wall(), name=body.name, days=body.days,
        )  # fmt: skip
        change.tell(login.id, after={"name": body.name})
    return TokenWithSecret(**_token(login), secret=secret)


@router.delete("/tokens/{token}", status_code=204, summary="End a token")
async def end_token(token: Id, who: Who, ctx: Ctx) -> None:
    """It works no longer."""
    await _end(who, ctx, token)


async def _logins(who: Identity, ctx: Context, kind: LoginKind) -> list[Login]:
    async with ctx.db.read() as connection:
        found = await logins.listed(who.tenant, connection, who.person, kind)
    return [x for x in found if x.expires >= ctx.clock.wall()]


async def _end(who: Identity, ctx: Context, login: str) -> None:
    async with ctx.writer.change(who.tenant, who.actor, f"{login.partition('_')[0]}.end") as change:
        await logins.end(who.tenant, change.connection, who.person, login)
        await devices.forget_browsers(who.tenant, change.connection)
        change.tell(login)


def _token(x: Login) -> dict[str, Any]:
    return {
        "id": x.id,
        "name": x.name,
        "created": when(x.created),
        "seen": when(x.seen),
        "expires": when(x.expires),
    }
