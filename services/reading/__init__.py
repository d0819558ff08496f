"""From raw mail to safe text: MIME parts, character sets, HTML, links, the trust notes, the worker.

Everything in here that reads a mail runs in a child process with limits (`render_worker`); the
parent's side is `render_process`, and only `render.present` makes SafeText of what comes back. Closes
the trap of mail being parsed in the process that holds keys and tokens. Imports leaves only.
"""
