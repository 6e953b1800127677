"""The subscriber's side of lamps, on a raw phone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.interop.phones.raw import RawPhone
from tests.interop.phones.sip import Message


def subscription(phone: RawPhone, target: str, package: str, *, after: Message | None = None) -> Message:
    """A SUBSCRIBE; `after` is the answer to an earlier one that it refreshes."""
    uri = phone.account.uri(target)
    request = phone.request("SUBSCRIBE", uri, uri)
    if after is not None:
        kept = [h for h in request.headers if h[0] not in ("Call-ID", "From", "To", "CSeq")]
        dialog = [("Call-ID", after.call_id), ("From", after.get("from")), ("To", after.get("to"))]
        request.headers = [*kept, *dialog, ("CSeq", f"{after.cseq[0] + 1} SUBSCRIBE")]
    request.add("Contact", phone.contact)
    request.add("Event", package)
    request.add("Expires", "300")
    return request


async def told(phone: RawPhone, true: Callable[[str], bool], within: float = 3.0) -> Message:
    """Wait until the latest NOTIFY says so; returns it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        last = next((m for m in reversed(phone.received) if m.method == "NOTIFY"), None)
        if last is not None and true(last.body):
            return last
        assert loop.time() < deadline, f"{phone.account.username} was not told; last: {last}"
        await asyncio.sleep(0.05)
