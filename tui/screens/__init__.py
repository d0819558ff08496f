"""Screens and dialogs, one module each, and the parts that the larger ones are made of.

`mail` is the first screen; `panes`, `finding`, `reading`, `moving`, `changes`, `files`, `accounts`,
`chrome` and `attention` are its parts, `sealed_mail` and `outbound` the late ones. `side_screen` is the
ground of the screens beside the mail, `list_screen` of those that are one list, `shelf` of mail that
the services list beside the mailbox. `compose…` is writing, `review`, `deciding` and `decisions` are
what a person decides on; `dialogs`, `field_dialog` and `choosing` are the ground of the dialogs.
"""
