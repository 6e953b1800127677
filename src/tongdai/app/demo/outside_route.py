"""What the web process of a demo serves besides the API: the account of the phone in the world outside."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from tongdai.api.access import Who, sip_socket_secure
from tongdai.api.context import Ctx
from tongdai.api.routes.phone import WebSocketAddress
from tongdai.app.demo.outside_phone import OutsidePhone


class OutsideCompany(BaseModel):
    """Whom one may call."""

    name: str = Field(examples=["An Phát Trading"])
    main: str = Field(examples=["+842871234500"])
    conference: str = Field(examples=["+842871234560"])
    conference_pin: str | None = Field(description="For the company's own people.", examples=["2468"])
    own: bool = Field(description="Whether who asks belongs to it.")


class OutsideAccount(BaseModel):
    """What a page registers with to be a phone in the world outside."""

    name: str = Field(examples=["Customer"])
    number: str = Field(description="What it is called by.", examples=["+84912345678"])
    username: str
    domain: str
    password: str
    socket: WebSocketAddress
    companies: list[OutsideCompany]


def outside_router(phone: OutsidePhone) -> APIRouter:
    """Its one route. Whoever may sign in may be the world outside."""
    router = APIRouter(prefix="/api/v1/demo", tags=["Demo"])

    @router.get("/outside-phone", summary="Be a phone in the world outside")
    async def outside_phone(request: Request, who: Who, ctx: Ctx) -> OutsideAccount:
        companies = [
            OutsideCompany(
                name=x.name,
                main=x.main,
                conference=x.conference,
                conference_pin=x.conference_pin if x.tenant == who.tenant else None,
                own=x.tenant == who.tenant,
            )
            for x in phone.companies
        ]
        return OutsideAccount(
            name=phone.name,
            number=phone.number,
            username=phone.username,
            domain=phone.domain,
            password=phone.password,
            socket=WebSocketAddress(port=ctx.sip.ws, secure=sip_socket_secure(request)),
            companies=companies,
        )

    return router
