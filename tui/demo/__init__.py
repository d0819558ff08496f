"""What the demo is furnished with before the app is opened on it: `tui.verbs.demo` starts it.

`demo_keys` brings keys and encrypted mail, `demo_drafts` what waits for the operator, `demo_inbox` what
the AgentMail.to inbox has sent and what is held back there.
"""
