"""People of a tenant."""
