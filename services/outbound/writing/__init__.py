"""How a draft begins and is addressed: answers, quotes, templates, completion, prices.

`replying` begins drafts, with `answered` (the mail that is answered), `quoting`, `enclosures` (files
that go along) and `templates`; `typed_addresses`, `recipients` and `recipient_book` are about whom it
is for, `pricing` about what a seller charges.
"""
