"""Problems by RFC 9457: every refusal says which field is meant and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from tongdai.api.rpc.messages import CHANGED_MEANWHILE, ControlSilent, Declined
from tongdai.blobs import BlobMissing
from tongdai.core.errors import TongdaiError
from tongdai.core.log import get_logger
from tongdai.directory.menus import NotSimple
from tongdai.tenants.errors import Invalid, NotFound, Taken

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

FIELD_OF = {
    "bad_name": "name",
    "bad_email": "email",
    "email_taken": "email",
    "email_needed": "email",
    "weak_password": "password",
    "bad_pin": "pin",
    "room_needs_pin": "pin",
    "bad_extension": "extension",
    "reserved_extension": "extension",
    "shadows_emergency": "extension",
    "extension_taken": "extension",
    "bad_username": "username",
    "username_taken": "username",
    "member_twice": "members",
    "bad_domain": "domain",
    "domain_taken": "domain",
    "bad_country": "allowed_countries",
    "bad_language": "language",
    "bad_ring_seconds": "ring_seconds",
    "not_own_number": "main_number",
    "bad_number": "number",
    "number_taken": "number",
    "last_admin": "role",
    "bad_role": "role",
    "bad_address": "gateways",
    "bad_port": "gateways",
    "address_taken": "gateways",
    "bad_weight": "gateways",
    "gateway_twice": "gateways",
    "name_taken": "name",
    "bad_prefix": "settings/prefix",
    "keys_in_the_clear": "settings/encryption",
    "no_caller_number": "settings/caller_number",
    "bad_codec": "settings/codecs",
    "bad_source": "settings/sources",
    "no_username": "settings/username",
    "bad_account": "settings",
    "cannot_go_there": "to",
    "no_device_registered": "person",
    "no_words": "text",
    "too_many_words": "text",
}
"""Which field of the request a rule speaks of, by the rule's code."""

_TITLES = {
    400: "The request cannot be read",
    401: "Who are you?",
    403: "Not permitted",
    404: "Not found",
    405: "Not possible here",
    406: "Not acceptable",
    409: "In conflict with what is there",
    412: "It has changed meanwhile",
    413: "Too large",
    415: "Unknown kind of content",
    416: "There is no such range",
    422: "Not valid",
    429: "Too many attempts",
    500: "A fault of ours",
    503: "Not available at the moment",
}


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(
        description="JSON pointer into the body, or the name of a parameter.", examples=["/name"]
    )
    detail: str = Field(description="What is wrong with it.")


class ProblemDetails(BaseModel):
    """A problem (RFC 9457)."""

    type: str = Field(examples=["urn:tongdai:problem:extension_taken"])
    title: str = Field(examples=["In conflict with what is there"])
    status: int = Field(examples=[409])
    code: str = Field(description="Stable and machine-readable.", examples=["extension_taken"])
    detail: str = Field(
        description="What happened.", examples=["The extension 101 belongs to a person already."]
    )
    remedy: str = Field("", description="The way out.", examples=["Choose another."])
    errors: list[FieldError] = Field(default_factory=list)
    places: list[str] = Field(
        default_factory=list,
        description="What it is in use by: numbers, and menus with their keys.",
        examples=[["Main menu (1)"]],
    )


class Problem(Exception):
    """Raised anywhere below a route; becomes the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        remedy: str = "",
        *,
        errors: Sequence[tuple[str, str]] = (),
        places: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.errors = list(errors)
        self.places = list(places)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        content: dict[str, Any] = {
            "type": f"urn:tongdai:problem:{self.code}",
            "title": _TITLES.get(self.status, "Refused"),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
        }
        if self.errors:
            content["errors"] = [{"field": field, "detail": detail} for field, detail in self.errors]
        if self.places:
            content["places"] = self.places
        return Response(
            msgspec.json.encode(content), self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


def not_found(what: str, identity: str) -> Problem:
    """The same for what does not exist and for what is another tenant's."""
    return Problem(404, f"{what}_not_found", f"There is no {what} {identity}.", "Look at the list.")


@contextmanager
def referring(field: str) -> Iterator[None]:
    """What is not found here was named by this field: the request is wrong, not its address."""
    try:
        yield
    except NotFound as error:
        raise Problem(
            422, error.code, error.message, error.remedy, errors=[(f"/{field}", error.message)]
        ) from None


def field_of(error: TongdaiError) -> str:
    """The field of a request that an error is about; empty when it is none."""
    return (error.field if isinstance(error, Invalid) else "") or FIELD_OF.get(error.code, "")


def _of(error: TongdaiError) -> Problem:
    match error:
        case ControlSilent():
            return Problem(503, error.code, error.message, error.remedy, headers={"Retry-After": "2"})
        case NotFound() | BlobMissing():
            status = 404
        case Declined():
            status = 404 if error.gone else 412 if error.code == CHANGED_MEANWHILE else 409
        case Taken() | NotSimple():
            status = 409
        case Invalid():
            status = 422
        case _:
            status = 422 if error.code in _WORKERS_VERDICTS else 503 if "speech" in error.code else 422
    field = field_of(error)
    errors = [(f"/{field}", error.message)] if field else []
    places = error.places if isinstance(error, Invalid) else ()
    return Problem(status, error.code, error.message, error.remedy, errors=errors, places=places)


_WORKERS_VERDICTS = ("no_words", "too_many_words", "too_large", "too_long", "too_short", "unreadable")


def _invalid(error: RequestValidationError) -> Problem:
    errors = []
    for one in error.errors():
        place, *path = one["loc"]
        at = "/" + "/".join(map(str, path)) if place == "body" else str(path[0]) if path else str(place)
        errors.append((at, one["msg"]))
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return Problem(400, "bad_json", "The body is no JSON.", "Send a JSON object.", errors=errors)
    detail = "; ".join(f"{field}: {what}" for field, what in errors[:5])
    return Problem(
        422, "not_valid", f"The request does not fit: {detail}.", "/openapi.json describes it.", errors=errors
    )


def _http(error: HTTPException) -> Problem:
    said = {
        404: ("no_such_place", "There is nothing at this address.", "/openapi.json lists all there is."),
        405: ("bad_method", "This cannot be done here.", "/openapi.json says what can."),
    }
    code, detail, remedy = said.get(error.status_code, ("refused", str(error.detail), ""))
    return Problem(error.status_code, code, detail, remedy, headers=error.headers)


E = TypeVar("E", bound=Exception)


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(TongdaiError)
    async def ours(_: Request, error: TongdaiError) -> Response:
        return _of(error).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _invalid(error).response()

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        return _http(error).response()

    @app.exception_handler(PoolTimeout)
    @app.exception_handler(DBAPIError)
    async def database(_: Request, error: DBAPIError | PoolTimeout) -> Response:
        log.error("the database failed", error=str(getattr(error, "orig", error)))
        return Problem(
            503, "database", "The database does not answer.", "Try again.", headers={"Retry-After": "2"}
        ).response()

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        log.error("a request failed", path=request.url.path, exc_info=error)
        return Problem(
            500, "fault", "Something failed on our side.", "The provider's log says what."
        ).response()


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": _TITLES[status], "content": {MEDIA_TYPE: {}}}
    for status in (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503)
}
"""For OpenAPI: what any operation may answer."""
