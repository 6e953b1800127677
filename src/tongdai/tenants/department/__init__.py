"""Departments: people reached together, as a ring group or by a queue."""
