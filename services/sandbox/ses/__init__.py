"""The sandbox's SES door: both mail APIs of Amazon SES, enough of them that real clients can send.

`account` what is verified and allowed, `sigv4` who asks, `query` and `v2` the two dialects,
`outgoing` the mail, `mailing` what happens to it, `door` the HTTP.
"""
