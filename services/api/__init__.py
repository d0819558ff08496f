"""The wire: the contracts as data, and the only makers of HTTP requests.

`http` makes clients and holds the token to its host; `factory` turns a configured account into a mail
provider. Assmbl: `routes` (the one table), `wire…` (bodies), `exchange` (one call), `assmbl…`, and
`presigned`, `resuming` and `file_sink` for files. AgentMail.to has a package of its own, Amazon SES
the modules `ses…`. In each of the three, one module sends: it is for the gate alone.
"""
