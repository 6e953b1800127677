"""HTTP and WebSocket: parse, call a service, present. No logic; features work without any of it.

`app` makes the ASGI application of `routes` over a `context`; `rpc` is how it asks control.
"""
