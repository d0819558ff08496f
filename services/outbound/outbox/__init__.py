"""Mail that waits, leaves, has left, or may have left.

`outbox` knows the states, `outbox_documents` and `outbox_contents` what is kept; `sending` is the loop,
`carrying` takes one mail a step further, `retry_delay` and `waits` say when. `looking` and `verdicts`
ask what became of it, `owning_up` holds what need not leave any more, `homecoming` brings drafts back.
"""
