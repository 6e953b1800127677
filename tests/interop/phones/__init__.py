"""Phones that know nothing of the product: baresip, SIPp, and a small raw SIP/RTP user agent of our own."""
