"""The local mailbox: TinyDB tables on an append-only log, bodies as files, a compact index.

From below: `files` (the disk), `log_file` (commits as bytes), `documents`, `log_storage` and
`tables` (TinyDB's storage and table), `slot_table`, `columns`, `counts` and `index` (what is known
without reading), `checkpoint` (the index as a file), `mail_log` (open, repair, compact),
`search_text`, `selection` and `snapshot` (what the screens read), `bodies`, and `store`, the door
for all others.
"""
