"""The local mailbox: TinyDB tables on an append-only log, bodies as files, a compact index.

From below: `files` (the disk), `log_file` (commits as bytes), `documents`, `log_storage` and
`tables` (TinyDB's storage and table), `slot_table`, `columns`, `counts` and `index` (what is known
without reading), `checkpoint` (the index as a file), `mail_log` (open, repair, compact),
`segment`, `search_text` and `search_file` (what is searched), `opened_text`, `conversations`,
`selection` and `snapshot` (what the screens read), `bodies`, `kept_aside` (damaged files), and
`store`, the door for all others.
"""
