"""What a dialog is, as plain data: everything a process that takes over needs to go on with it."""

from __future__ import annotations

from typing import Literal

import msgspec

from tongdai.sip.flow import Flow

Role = Literal["uac", "uas"]
Phase = Literal["early", "confirmed", "terminated"]


class ReferState(msgspec.Struct, omit_defaults=True):
    """One implicit subscription of RFC 3515. `id` is its name towards the owner, `cseq` that on the wire
    (§2.4.6): they differ when our REFER was repeated with credentials."""

    id: int
    cseq: int
    sent_by_us: bool
    active: bool = False
    """Notifications are expected; false before the REFER is accepted, and after the last one."""
    with_id: bool = False
    """Not the first REFER of its dialog: Event carries the id."""


class DialogState(msgspec.Struct, omit_defaults=True):
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
    """Route elements, the next hop first."""
    local_cseq: int = 0
    remote_cseq: int = 0
    local_sdp: str | None = None
    """The last description sent; its o= version counts on from here."""
    remote_sdp: str | None = None
    rseq: int = 0
    """RSeq of our last reliable provisional response (RFC 3262 §3)."""
    early_answer: str = ""
    """Tag of the peer with whom the offer of the first INVITE was answered before its final response (RFC
    3262 §5): both may make offers then (RFC 3311 §5.1)."""
    refers: list[ReferState] = []
    peer_updates: bool = False
    """The peer's Allow names UPDATE."""
    session_seconds: int = 0
    """The interval within which the session has to be refreshed (RFC 4028); 0: it lives without."""
    min_session_seconds: int = 0
    """The shortest interval that somebody on the way permits, as far as we were told."""
    we_refresh: bool = False
    """The refreshing is ours to do."""
    invite_cseq: int = 0
    """CSeq of the INVITE, in either direction, that the fields below belong to."""
    pending_invite: bytes | None = None
    """An INVITE without a final response, as it went over the wire."""
    pending_from_us: bool = False
    """`pending_invite` is ours."""
    pending_heard: bool = False
    """The peer has answered `pending_invite` provisionally: it need not be sent again."""
    pending_ok: bytes | None = None
    """Our 2xx that waits for its ACK and is retransmitted until then (§13.3.1.4)."""
    last_ack: bytes | None = None
    """The ACK we sent last: sent again whenever its 2xx comes again."""
