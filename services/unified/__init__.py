"""Several accounts shown as one mailbox: ids that name their account, merged lists, one engine.

Used only when two or more accounts are configured; one account alone never imports it.
"""
