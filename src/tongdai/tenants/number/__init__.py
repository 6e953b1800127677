"""Numbers (DID): E.164 numbers and what they lead to."""
