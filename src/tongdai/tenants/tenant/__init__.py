"""A tenant: the business that is served."""
