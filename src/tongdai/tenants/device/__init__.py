"""Devices: what registers and rings for a person."""
