"""Flows: immutable versions, one of them published."""
