"""The log of outgoing mail that many processes write, the audit log, and what is sealed in them.

`shared_log` and `store` are the tables, `sealed_documents` what only the own key opens, `audit` the
chain of who did what; `work_lock` says who works on a mail now, `anchor` that a folder is no copy,
`lending` what is borrowed of an engine or a verb.
"""
