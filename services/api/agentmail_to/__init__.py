"""AgentMail.to v0: one inbox as a mailbox, and what hangs off it (api/agentmail_to.md).

Sending stands apart on purpose: its routes are in a table of their own (`routes.SEND_ROUTES`), which
only `services.api.agentmail_to.send` uses, and that is for the sending gate alone.
"""
