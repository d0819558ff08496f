"""Keeps the cache and the service the same: walks, their reconciliation, local changes, reading.

`session` is one opened store at work: `poll` and `watching` say when to look, `walk`, `reconcile`,
`remote_changes` and `server_search` bring in what the service has, `changes`, `journal`, `edits` and
`sender` take out what was done here, `reading`, `sealed_reading` and `unsealing` open messages, the
`shelf_…` modules and `trash_bin` look beside the mailbox. `mailbox` is all of it as operations,
`desk` answers the screens, `report` tells them.
"""
