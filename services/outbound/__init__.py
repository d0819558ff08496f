"""Mail that leaves: from the first word of a draft to the answer of the service, and who decided.

log         what is written, waits or has left, in one log for many processes; the audit log
drafts      drafts on the disk, their revisions, the files that go along
writing     how a draft begins and is addressed: answers, quotes, templates, completion, prices
gate        what would leave, whether it may, sealing, and the only caller of any send route
outbox      which mail waits, leaves, has left, or may have left, and the loop that sends
approvals   what agents propose, and what a person decides

`office` is all of it for one account behind one door, `offices` for all accounts; `desk` and the
`…_requests` beside it answer the screens. `carrying_over` fetches the files of a mail that is sent on,
`moving_drafts` hands a draft to another account, `server_desk` looks after drafts on the services.
"""
