"""Keeps the cache and the service the same: the walk, its reconciliation, local changes."""
