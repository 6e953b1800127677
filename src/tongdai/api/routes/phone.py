"""The phone in the browser of whoever is signed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from tongdai.api.access import Identity, Who, forbidden, sip_socket_secure
from tongdai.api.context import Context, Ctx
from tongdai.api.routes.me import IceServer, ice_servers
from tongdai.tenants.device import service as devices
from tongdai.tenants.device.schema import NewDevice
from tongdai.tenants.login.model import LoginKind
from tongdai.tenants.person import service as people
from tongdai.tenants.tenant import service as tenants

router = APIRouter(prefix="/api/v1/me/phone", tags=["Own account"])


class WebSocketAddress(BaseModel):
    """Of SIP over WebSocket, at the host that serves the page."""

    port: int = Field(examples=[8088])
    secure: bool = Field(description="Whether it is wss.")


class BrowserPhone(BaseModel):
    """What a page registers with."""

    device: str
    username: str = Field(examples=["browser-3f9c2a71d0"])
    domain: str = Field(description="The host part of its SIP address.", examples=["anphat.demo"])
    password: str
    socket: WebSocketAddress
    ice_servers: list[IceServer] = Field(description="For `RTCPeerConnection`; ask again for each call.")


@router.put("", summary="Be a phone in this browser", response_model_exclude_none=True)
async def be_a_phone(request: Request, who: Who, ctx: Ctx) -> BrowserPhone:
    """Makes a device that belongs to this session, and the same again to each page of it. Signing out, or
    ending the session from elsewhere, takes it away."""
    if not who.person or who.login.kind != LoginKind.SESSION:
        raise forbidden("who is signed in as a person, in a browser,")
    password = _password(ctx, who)
    async with ctx.db.read() as connection:
        domain = (await tenants.get(who.tenant, connection)).domain
        found = await devices.browser(who.tenant, connection, who.login.id)
    if found is None:
        async with ctx.writer.change(who.tenant, who.actor, "device.create", audited=False) as change:
            await people.get(who.tenant, change.connection, who.person)
            await devices.forget_browsers(who.tenant, change.connection)
            found = await devices.browser(who.tenant, change.connection, who.login.id)
            if found is None:  # unless another page of the session was quicker
                username = f"browser-{secrets.token_hex(5)}"
                new = NewDevice(who.person, username, password, login=who.login.id)
                found = await devices.create(who.tenant, change.connection, new)
            change.tell(found.id)
    return BrowserPhone(
        device=found.id,
        username=found.username,
        domain=domain,
        password=password,
        socket=WebSocketAddress(port=ctx.sip.ws, secure=sip_socket_secure(request)),
        ice_servers=(await ice_servers(who, ctx)).ice_servers,
    )


def _password(ctx: Context, who: Identity) -> str:
    """Of this session alone, and the same for all its pages, so that none need be kept in the browser."""
    digest = hmac.digest(ctx.key, f"browser phone of {who.login.id}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:24]).decode()
