"""What is stored of a flow."""

from __future__ import annotations

import msgspec


class FlowVersion(msgspec.Struct, frozen=True):
    """One version; it never changes. `graph` is the flow in JSON, which the layers above understand. At most
    one version of a flow is published: the one that new calls enter.
    """

    id: str
    version: int
    graph: bytes
    published: bool
