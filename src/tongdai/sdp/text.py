"""SDP text to model and back."""

from __future__ import annotations

from tongdai.sdp.model import SessionDescription


def parse(text: str | bytes) -> SessionDescription:
    """Read a description. Raises `SdpError`."""
    raise NotImplementedError
