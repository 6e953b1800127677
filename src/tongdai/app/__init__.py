"""Composition: settings become objects, objects become running processes. Nothing imports this package."""
