"""The log of outgoing mail that many processes write, the audit log, and what is sealed in them."""
