"""The keys that belong to an account: one's own, those of the peers, and what the directory says.

Stands on `services.crypto`, which knows bytes only; here are the files, the pins and the lookups.
"""
