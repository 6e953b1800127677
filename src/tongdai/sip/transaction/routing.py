"""Where responses go, and what a received Via is marked with (RFC 3261 §18.2, RFC 3581)."""

from __future__ import annotations

from tongdai.sip.flow import Flow
from tongdai.sip.message import Request, Via, split_list


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
    values = request.headers.get_all("Via")
    elements = split_list(values[0])
    elements[0] = str(via)
    request.headers.set_all("Via", [", ".join(elements), *values[1:]])


def response_flow(via: Via, flow: Flow) -> Flow:
    """The flow of a response. Streams and `rport` answer to the source.

    Without `rport` a response goes to the sent-by port (§18.2.2), unless the sent-by host is not where the
    request came from: then a NAT is in between, which lets in only what goes back to the source.
    """
    if flow.transport != "udp" or "rport" in via.params or via.host != flow.remote[0]:
        return flow
    port = via.port or 5060
    return flow if port == flow.remote[1] else Flow(flow.transport, flow.local, (flow.remote[0], port))
