"""SIP messages: parse, look at, build, print (RFC 3261 §7, §19, §20, §25)."""
