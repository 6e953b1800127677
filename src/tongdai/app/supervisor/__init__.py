"""Starts, watches and restarts the other processes, and holds the sockets that must outlive them.

Run as `python -m tongdai.app.supervisor FD`, where FD holds a `Plan`.
"""
