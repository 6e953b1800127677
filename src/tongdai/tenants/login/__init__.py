"""Logins: who came in from the web, by a session of a browser or by a token of a programme."""
