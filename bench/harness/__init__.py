"""What `bench/pbx.py` is made of: a demo on an address of its own, its processes' use, SIPp, an RTP load."""
