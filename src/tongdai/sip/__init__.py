"""A SIP protocol library: RFC 3261 and its extensions, without I/O except in `tongdai.sip.transport`.

Layers, each importing only those to its right: `ua` -> `transaction` -> `message`. `flow`, `ids`, `timers`
and `digest` are shared leaves. Nothing here knows of telephony features, tenants or media.
"""
