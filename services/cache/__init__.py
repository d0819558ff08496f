"""The local mailbox: TinyDB tables on an append-only log, bodies as files, a compact index."""
