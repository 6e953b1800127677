"""The four transaction machines as tables (RFC 3261 §17, RFC 6026 §7 and §8.3-8.8).

(state, event) -> (next state, actions). What is not in a table cannot happen, and raises KeyError when it
does.
"""

from __future__ import annotations

from enum import IntEnum, auto


class State(IntEnum):
    """States of all machines. (`Enum` hashes in Python, and every message looks something up.)"""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Event(IntEnum):
    """What drives a machine. PROVISIONAL, SUCCESS and FAILURE (300..699) are received by a client, sent by
    a server."""

    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    REQUEST = auto()
    """The same request again."""
    ACK = auto()
    RETRANSMIT = auto()
    """Timer A, E or G."""
    TIMEOUT = auto()
    """Timer B, F or H."""
    END = auto()
    """Timer D, I, J, K, L or M."""
    TRANSPORT_ERROR = auto()


class Action(IntEnum):
    """What a transition does, in order."""

    SEND = auto()
    """Send our message (again)."""
    SLOW_DOWN = auto()
    """Start the retransmission timer again, doubled; beyond T2 only for an INVITE request."""
    SLOWEST = auto()
    """Start the retransmission timer again at T2."""
    ACK = auto()
    """Acknowledge a failure hop by hop (§17.1.1.3)."""
    PASS = auto()
    """Give the message to the user."""
    STOP = auto()
    """Stop both timers."""
    START = auto()
    """Start the retransmission timer at T1 (unreliable transports, or the server of an INVITE on any) and
    the timeout."""
    LINGER = auto()
    """Start the timer that ends the transaction."""
    FAIL = auto()
    """Tell the user: timed out, or not sent."""


Table = dict[tuple[State, Event], tuple[State, tuple[Action, ...]]]

_S, _E, _A = State, Event, Action

INVITE_CLIENT: Table = {
    (_S.CALLING, _E.RETRANSMIT): (_S.CALLING, (_A.SEND, _A.SLOW_DOWN)),
    (_S.CALLING, _E.TIMEOUT): (_S.TERMINATED, (_A.FAIL,)),
    (_S.CALLING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.STOP, _A.PASS)),
    (_S.CALLING, _E.SUCCESS): (_S.ACCEPTED, (_A.STOP, _A.LINGER, _A.PASS)),
    (_S.CALLING, _E.FAILURE): (_S.COMPLETED, (_A.STOP, _A.ACK, _A.LINGER, _A.PASS)),
    (_S.CALLING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.FAIL,)),
    (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (_S.PROCEEDING, _E.SUCCESS): (_S.ACCEPTED, (_A.LINGER, _A.PASS)),
    (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.ACK, _A.LINGER, _A.PASS)),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.FAIL,)),
    (_S.ACCEPTED, _E.PROVISIONAL): (_S.ACCEPTED, ()),
    (_S.ACCEPTED, _E.SUCCESS): (_S.ACCEPTED, (_A.PASS,)),
    (_S.ACCEPTED, _E.FAILURE): (_S.ACCEPTED, ()),
    (_S.ACCEPTED, _E.END): (_S.TERMINATED, ()),
    (_S.ACCEPTED, _E.TRANSPORT_ERROR): (_S.ACCEPTED, ()),
    (_S.COMPLETED, _E.PROVISIONAL): (_S.COMPLETED, ()),
    (_S.COMPLETED, _E.SUCCESS): (_S.COMPLETED, ()),
    (_S.COMPLETED, _E.FAILURE): (_S.COMPLETED, (_A.ACK,)),
    (_S.COMPLETED, _E.END): (_S.TERMINATED, ()),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.TERMINATED, ()),
}

CLIENT: Table = {
    (_S.TRYING, _E.RETRANSMIT): (_S.TRYING, (_A.SEND, _A.SLOW_DOWN)),
    (_S.TRYING, _E.TIMEOUT): (_S.TERMINATED, (_A.FAIL,)),
    (_S.TRYING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (_S.TRYING, _E.SUCCESS): (_S.COMPLETED, (_A.STOP, _A.LINGER, _A.PASS)),
    (_S.TRYING, _E.FAILURE): (_S.COMPLETED, (_A.STOP, _A.LINGER, _A.PASS)),
    (_S.TRYING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.FAIL,)),
    (_S.PROCEEDING, _E.RETRANSMIT): (_S.PROCEEDING, (_A.SEND, _A.SLOWEST)),
    (_S.PROCEEDING, _E.TIMEOUT): (_S.TERMINATED, (_A.FAIL,)),
    (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS,)),
    (_S.PROCEEDING, _E.SUCCESS): (_S.COMPLETED, (_A.STOP, _A.LINGER, _A.PASS)),
    (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.STOP, _A.LINGER, _A.PASS)),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.FAIL,)),
    (_S.COMPLETED, _E.PROVISIONAL): (_S.COMPLETED, ()),
    (_S.COMPLETED, _E.SUCCESS): (_S.COMPLETED, ()),
    (_S.COMPLETED, _E.FAILURE): (_S.COMPLETED, ()),
    (_S.COMPLETED, _E.END): (_S.TERMINATED, ()),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.TERMINATED, ()),
}

INVITE_SERVER: Table = {
    (_S.PROCEEDING, _E.REQUEST): (_S.PROCEEDING, (_A.SEND,)),
    (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (_S.PROCEEDING, _E.SUCCESS): (_S.ACCEPTED, (_A.SEND, _A.LINGER)),
    (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND, _A.START)),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.PROCEEDING, ()),
    (_S.ACCEPTED, _E.REQUEST): (_S.ACCEPTED, ()),
    (_S.ACCEPTED, _E.ACK): (_S.ACCEPTED, (_A.PASS,)),
    (_S.ACCEPTED, _E.END): (_S.TERMINATED, ()),
    (_S.ACCEPTED, _E.TRANSPORT_ERROR): (_S.ACCEPTED, ()),
    (_S.COMPLETED, _E.REQUEST): (_S.COMPLETED, (_A.SEND,)),
    (_S.COMPLETED, _E.RETRANSMIT): (_S.COMPLETED, (_A.SEND, _A.SLOW_DOWN)),
    (_S.COMPLETED, _E.ACK): (_S.CONFIRMED, (_A.STOP, _A.LINGER)),
    (_S.COMPLETED, _E.TIMEOUT): (_S.TERMINATED, ()),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.TERMINATED, ()),
    (_S.CONFIRMED, _E.REQUEST): (_S.CONFIRMED, ()),
    (_S.CONFIRMED, _E.ACK): (_S.CONFIRMED, ()),
    (_S.CONFIRMED, _E.END): (_S.TERMINATED, ()),
    (_S.CONFIRMED, _E.TRANSPORT_ERROR): (_S.CONFIRMED, ()),
    # An ACK that comes before any final response answers nothing.
    (_S.PROCEEDING, _E.ACK): (_S.PROCEEDING, ()),
}

SERVER: Table = {
    (_S.TRYING, _E.REQUEST): (_S.TRYING, ()),
    (_S.TRYING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (_S.TRYING, _E.SUCCESS): (_S.COMPLETED, (_A.SEND, _A.LINGER)),
    (_S.TRYING, _E.FAILURE): (_S.COMPLETED, (_A.SEND, _A.LINGER)),
    (_S.TRYING, _E.TRANSPORT_ERROR): (_S.TRYING, ()),
    (_S.PROCEEDING, _E.REQUEST): (_S.PROCEEDING, (_A.SEND,)),
    (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
    (_S.PROCEEDING, _E.SUCCESS): (_S.COMPLETED, (_A.SEND, _A.LINGER)),
    (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND, _A.LINGER)),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.PROCEEDING, ()),
    (_S.COMPLETED, _E.REQUEST): (_S.COMPLETED, (_A.SEND,)),
    (_S.COMPLETED, _E.END): (_S.TERMINATED, ()),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.TERMINATED, ()),
}
