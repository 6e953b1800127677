"""Call logic without the world: what a call is, what may happen to it, what it asks for.

Everything here is plain data and pure functions. `flows` drives it; adapters carry out its commands
(`calls.commands`) and report what happened (`calls.events`).
"""
