"""Who asks, and what he may. A provider may everything in every tenant, an administrator everything in his,
an employee what is his own. What is another tenant's does not exist."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from fastapi import Depends, Path
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.exc import DBAPIError
from starlette.requests import HTTPConnection

from tongdai.api.context import Context, Ctx, context
from tongdai.api.problems import Problem, not_found
from tongdai.core.tenancy import TenantId
from tongdai.tenants.audit.service import Actor
from tongdai.tenants.login import service as logins
from tongdai.tenants.login.model import Login, LoginKind, Subject
from tongdai.tenants.tenant import store as tenants

_COOKIES = {False: "tongdai_session", True: "__Host-tongdai_session"}
_SAFE = ("GET", "HEAD", "OPTIONS")


class Role(StrEnum):
    PROVIDER = "provider"
    ADMINISTRATOR = "administrator"
    EMPLOYEE = "employee"


class Identity(msgspec.Struct, frozen=True):
    """Somebody who is signed in. `tenant` and `person` are empty for the provider."""

    role: Role
    tenant: TenantId
    person: str
    subject: Subject
    login: Login
    address: str

    @property
    def actor(self) -> Actor:
        return Actor(self.person or "provider", self.subject.name, self.address)


class Scope(msgspec.Struct, frozen=True):
    """Somebody who acts in a tenant."""

    tenant: TenantId
    who: Identity

    @property
    def administers(self) -> bool:
        return self.who.role is not Role.EMPLOYEE

    def own(self, person: str) -> None:
        """Raises `Problem` 403 unless he administers, or it is himself."""
        if not (self.administers or person == self.who.person):
            raise forbidden("administrators and who it belongs to")


def cookie_name(secure: bool) -> str:
    return _COOKIES[secure]


def address_of(connection: HTTPConnection) -> str:
    """From where a request is: behind a proxy of ours, what that says."""
    proxies = context(connection).proxies
    return proxies.client(_peer(connection), connection.headers.getlist(proxies.header))


def is_https(connection: HTTPConnection) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy of ours."""
    ctx = context(connection)
    if ctx.secure:
        return True
    headers, proxies = connection.headers, ctx.proxies
    schemes = headers.getlist("x-forwarded-proto")
    return proxies.https(_peer(connection), headers.getlist(proxies.header), schemes)


def _peer(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client is not None else ""


def sip_socket_secure(connection: HTTPConnection) -> bool:
    """Whether a page that is asked for so has to open wss: of the proxy, when that speaks TLS for us."""
    return context(connection).sip.ws_tls or is_https(connection)


async def identity(connection: HTTPConnection) -> Identity:
    """By bearer token, or by the cookie of a session. Raises `Problem` 401."""
    known = getattr(connection.state, "identity", None)
    if isinstance(known, Identity):
        return known
    ctx: Context = connection.app.state.context
    scheme, secret = get_authorization_scheme_param(connection.headers.get("authorization"))
    by_cookie = scheme.lower() != "bearer"
    if by_cookie:
        secret = connection.cookies.get(cookie_name(is_https(connection)), "")
        if secret and connection.scope.get("method", "WEBSOCKET") not in _SAFE:
            same_origin(connection)
    found = None
    now = ctx.clock.wall()
    if secret:
        async with ctx.db.read() as reading:
            found = await logins.find(reading, secret, now)
    if found is None or (found[1].kind == LoginKind.SESSION) is not by_cookie:
        raise Problem(
            401,
            "not_signed_in",
            "Nobody is signed in by this request." if not secret else "This session or token has ended.",
            "POST /api/v1/sign-in, or send `Authorization: Bearer TOKEN`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    tenant, login, subject = found
    address = address_of(connection)
    if now - login.seen > logins.SEEN_SECONDS or address != login.address:
        agent = connection.headers.get("user-agent", "")
        # nobody is refused because this cannot be written, nor waits for it beside what he came for
        with contextlib.suppress(DBAPIError):
            async with ctx.db.write_at_once() as writing:
                await logins.seen(writing, login, now=now, address=address, agent=agent)
    role = Role.PROVIDER if subject.provider else Role.ADMINISTRATOR if subject.admin else Role.EMPLOYEE
    who = Identity(role, tenant, login.person, subject, login, address)
    connection.state.identity = who
    return who


def same_origin(connection: HTTPConnection) -> None:
    """A page of another origin cannot act with our cookie: browsers say where a request comes from
    (Fetch Metadata, and Origin, RFC 6454 §7). What says nothing is no browser. Raises `Problem` 403."""
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise _foreign()
    if origin is not None:
        page = urlsplit(origin)
        if page.netloc != connection.headers.get("host", "") or (
            page.scheme != "https" and is_https(connection)
        ):
            raise _foreign()


def _foreign() -> Problem:
    return Problem(
        403, "foreign_origin", "Another page asks in your name.", "Use the portal itself, or a bearer token."
    )


Who = Annotated[Identity, Depends(identity)]


async def scope(
    who: Who, ctx: Ctx, tenant: Annotated[str, Path(max_length=64, description="The tenant's id.")]
) -> Scope:
    """Raises `Problem` 404 for a tenant that is not his, or does not exist."""
    if who.role is Role.PROVIDER:
        async with ctx.db.read() as connection:
            if await tenants.get(TenantId(tenant), connection) is None:
                raise not_found("tenant", tenant)
    elif tenant != who.tenant:
        raise not_found("tenant", tenant)
    return Scope(TenantId(tenant), who)


Member = Annotated[Scope, Depends(scope)]


async def administrator(found: Member) -> Scope:
    """Raises `Problem` 403 for an employee."""
    if not found.administers:
        raise forbidden("administrators")
    return found


async def provider_of(found: Member) -> Scope:
    """Raises `Problem` 403 for everybody but the provider."""
    if found.who.role is not Role.PROVIDER:
        raise forbidden("the provider")
    return found


async def provider(who: Who) -> Identity:
    """Raises `Problem` 403 for everybody else."""
    if who.role is not Role.PROVIDER:
        raise forbidden("the provider")
    return who


def forbidden(to: str) -> Problem:
    return Problem(403, "not_permitted", f"Only {to} may do this.", "Ask your administrator.")


Admin = Annotated[Scope, Depends(administrator)]
Owner = Annotated[Scope, Depends(provider_of)]
"""The provider in one of the tenants."""
Provider = Annotated[Identity, Depends(provider)]
