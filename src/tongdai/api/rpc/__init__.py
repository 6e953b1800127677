"""How the web process asks control: requests and answers in msgpack, each behind a 4-byte big-endian
length, over a Unix socket in the data directory. Internal: both ends are of the same version.
"""
