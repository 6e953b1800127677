"""Configuration: the provider, its tenants, and what each tenant has. A package each with the same files:

`model` (what is stored), `schema` (what may be asked for), `service` (the rules), `store` (the rows). Every
operation of a tenant takes the tenant as its first argument and then a connection, whose transaction is the
caller's, so that several operations succeed or fail together. What is another tenant's does not exist.
"""
