"""The phone of the world outside, which a browser may be: what the web process tells its pages of it."""

from __future__ import annotations

import msgspec


class Reachable(msgspec.Struct, frozen=True):
    """A company of the demo as its callers know it; numbers are E.164."""

    tenant: str
    name: str
    main: str
    conference: str
    conference_pin: str


class OutsidePhone(msgspec.Struct, frozen=True):
    """An account that any page of the demo may register. `number` (E.164) is what it is called by, and what
    whom it calls sees."""

    name: str
    number: str
    username: str
    password: str
    domain: str
    companies: list[Reachable]
