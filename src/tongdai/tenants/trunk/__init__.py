"""Trunks: the provider's carrier peerings, and which tenant may use which."""
