"""What a dialog is, as plain data: everything a process that takes over needs to go on with it."""

from __future__ import annotations

from typing import Literal

import msgspec

from tongdai.sip.flow import Flow

Role = Literal["uac", "uas"]
Phase = Literal["early", "confirmed", "terminated"]


class ReferState(msgspec.Struct):
    """One implicit subscription of RFC 3515. `id` is the CSeq of the REFER that made it (RFC 3515 §2.4.6)."""

    id: int
    sent_by_us: bool
    accepted: bool = False


class DialogState(msgspec.Struct):
    """One INVITE usage (RFC 3261 §12, RFC 5057) and its unfinished transactions.

    msgspec encodes it as it is (`msgspec.msgpack.encode(state)`), and `UserAgent.restore` continues from it.
    URIs and SDP are text. `role` is our role in the INVITE that made the dialog.
    """

    key: str
    """Our own name of the session: unique, never changes, also before any dialog exists."""
    role: Role
    phase: Phase
    call_id: str
    local_tag: str
    remote_tag: str
    local_uri: str
    """Our From or To as name-addr without tag."""
    remote_uri: str
    """Their From or To as name-addr without tag."""
    local_contact: str
    """The URI in our Contact, without brackets."""
    remote_target: str
    """Request-URI of what we send in the dialog: their Contact."""
    flow: Flow
    pinned: bool = False
    """In-dialog requests always take `flow` (the peer is behind a NAT, or a registered binding)."""
    route_set: list[str] = []
    local_cseq: int = 0
    remote_cseq: int = 0
    local_sdp: str | None = None
    """The last description sent; its o= version counts on from here."""
    remote_sdp: str | None = None
    refers: list[ReferState] = []
    pending_invite: bytes | None = None
    """The INVITE in progress as it went over the wire, while it has no final response or the 2xx no ACK."""
    pending_ok: bytes | None = None
    """As UAS: our 2xx that waits for its ACK and is retransmitted until then (§13.3.1.4)."""
    invite_cseq: int = 0
    """CSeq of the last INVITE in either direction that `pending_*` or `last_ack` belong to."""
    last_ack: bytes | None = None
    """As UAC: the ACK of the last 2xx, sent again whenever that 2xx comes again."""
