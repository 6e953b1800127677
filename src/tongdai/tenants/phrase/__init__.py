"""Phrases that a tenant has replaced by sound of its own."""
