"""The demo: a company that is set up already, and a carrier to call it from."""
