"""Transactions (RFC 3261 §17, RFC 6026): retransmission both ways, and nothing above it."""

from __future__ import annotations

from tongdai.sip.transaction.layer import TransactionLayer
from tongdai.sip.transaction.machines import State
from tongdai.sip.transaction.transaction import ClientTransaction, ServerTransaction

__all__ = ["ClientTransaction", "ServerTransaction", "State", "TransactionLayer"]
