"""What the administrator sets of a mailbox; the rest of it is call data."""
