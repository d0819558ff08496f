"""The keys that belong to an account: one's own, those of the peers, and what the directory says.

Stands on `services.crypto`, which knows bytes only; here are the files, the pins and the lookups.
`keychain` is asked about all of it; behind it `own_keys`, `key_folder` and `unlocked_keys` (one's
own), `peer_book`, `peers` and `peer_keys` (pins), `directory` and `own_entry` (the service's).
`key_desk` answers the Keys screen, `views` and `words` are what it shows.
"""
