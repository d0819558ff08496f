"""Several accounts shown as one mailbox: ids that name their account, merged lists, one engine.

Used only when two or more accounts are configured; one account alone never imports it. `engine` runs
the engines of all, `routing` says whom a request is for, `desk` answers what is asked of all
together, `ids` and `addressing` say whose a thing is, `snapshot`, `shelves` and `states` merge,
`outgoing` is the one outbound side.
"""
