"""User agents: registrations in, requests out, and INVITE sessions, as a state machine without I/O.

agent = UserAgent(handler, clock=loop.time, ids=RandomIds(), on_output=schedule_flush)
agent.receive(data, flow, now)               # a datagram, or a message of a StreamParser
agent.on_timers(now)                         # when agent.deadline() has come
for flow, data in agent.drain(): ...         # once per tick, after the journal was written
"""

from __future__ import annotations

from tongdai.sip.ua.agent import UserAgent
from tongdai.sip.ua.core import SessionError
from tongdai.sip.ua.handler import Refer, UaHandler
from tongdai.sip.ua.incoming import IncomingRequest
from tongdai.sip.ua.session import InviteSession
from tongdai.sip.ua.state import DialogState, ReferState

__all__ = [
    "DialogState",
    "IncomingRequest",
    "InviteSession",
    "Refer",
    "ReferState",
    "SessionError",
    "UaHandler",
    "UserAgent",
]
