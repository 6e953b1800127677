"""The notifier's side of subscriptions: a dialog that SUBSCRIBE makes and NOTIFY uses (RFC 6665 §4.2)."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, Response
from tongdai.sip.ua.core import HeaderList, UaCore
from tongdai.sip.ua.dialog import build_request, incoming_dialog, refresh_target, request_flow
from tongdai.sip.ua.incoming import IncomingRequest
from tongdai.sip.ua.requests import OutgoingRequest
from tongdai.sip.ua.state import DialogState


class Notifier:
    """Makes the dialogs of subscriptions and sends in them. Which there are, the owner keeps: a `DialogState`
    is all there is to one."""

    def __init__(self, core: UaCore) -> None:
        self._core = core

    def begin(self, incoming: IncomingRequest) -> DialogState:
        """The dialog of a SUBSCRIBE outside of one, when it is accepted. Raises `ParseError`."""
        return incoming_dialog(
            incoming.request,
            incoming.flow,
            key=self._core.ids.token(),
            local_tag=incoming.to_tag,
            phase="confirmed",
        )

    def refresh(self, dialog: DialogState, incoming: IncomingRequest) -> bool:
        """Take a SUBSCRIBE in the dialog; False when it is older than one before. Raises `ParseError`."""
        request = incoming.request
        if request.cseq.number <= dialog.remote_cseq:
            return False
        refresh_target(dialog, request)
        dialog.remote_cseq = request.cseq.number
        if incoming.flow.reliable or dialog.pinned:
            dialog.flow = incoming.flow  # the phone is where it speaks from now
        return True

    def notify(
        self,
        dialog: DialogState,
        headers: HeaderList,
        body: bytes,
        content_type: str,
        on_final: Callable[[int], None],
    ) -> None:
        """Send a NOTIFY. `on_final(status)` is called once: 408 is no answer, 503 not sent."""

        def build(extra: HeaderList) -> tuple[Request, Flow]:
            request = build_request(
                dialog,
                "NOTIFY",
                self._core.product,
                headers=[*headers, *extra],
                body=body,
                content_type=content_type if body else None,
            )
            return request, request_flow(dialog)

        def final(status: int, response: Response | None, now: float) -> None:
            on_final(status)

        OutgoingRequest(self._core, build, None, final, dialog.pinned).send(self._core.clock())
