"""Mail that leaves: drafts, plans, approvals, the outbox, and the one gate.

plan        what would be sent now, one mail a recipient, and its digest
policy      whether it may, by the operator's rules alone
checks      what a person should see before it does
sealing     from plan to bytes, encrypted for one recipient, in a spool of our own
ready       what is sealed and what will go over the wire, byte for byte
gate        plans, seals, uploads, sends: the only caller of any send route
proposals   what agents want to send
store       the log that all of it is kept in, for many processes
outbox      which mail waits, leaves, has left, or may have left
office      all of it behind one door, for engine and verbs
"""
