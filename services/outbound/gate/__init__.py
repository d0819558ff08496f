"""What would leave, whether it may, and the one way out.

`planning` makes a `plan` of a draft, `checks` and `policy` say what speaks against it, `reviewing`
shows it; `sealing` and `ready` are the bytes that leave, `gate` is the only caller of the
`transports`.
"""
