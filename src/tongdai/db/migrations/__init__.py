"""Migrations, oldest first. Written by hand against `db.tables`; a test holds the two together."""
