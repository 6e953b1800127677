"""Where responses go, and what a received Via is marked with (RFC 3261 §18.2, RFC 3581)."""

from __future__ import annotations

from tongdai.core.addresses import is_private
from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, Via


def stamp_source(request: Request, flow: Flow) -> None:
    """Write `received` and `rport` into the topmost Via as a server must; what the peer claimed there is
    replaced."""
    via = request.via
    params = via.params
    host, port = flow.remote
    if "rport" in params:
        params["rport"] = str(port)
        params["received"] = host
    elif via.host != host:
        params["received"] = host
    elif "received" in params:
        del params["received"]
    else:
        return
    request.headers.set_first("Via", str(via))


def response_flow(via: Via, flow: Flow) -> Flow:
    """The flow of a response. Without `rport` it goes to the sent-by port (§18.2.2) where that can be
    believed."""
    if flow.transport != "udp" or listens_at_source(via, flow):
        return flow
    port = via.port or 5060
    return flow if port == flow.remote[1] else Flow(flow.transport, flow.local, (flow.remote[0], port))


def listens_at_source(via: Via, flow: Flow) -> bool:
    """A response over UDP goes back to where the request came from.

    `rport` asks for it. So does another sent-by host than we see: a NAT lets in only what goes back to the
    source. A public address is no sign that there is none, as routers write theirs into Via, often without
    the port that they bind, and some take `rport` away: over the Internet nobody listens elsewhere who cannot
    say `rport`, and in a private network some old phones do.
    """
    return "rport" in via.params or via.host != flow.remote[0] or not is_private(via.host)
