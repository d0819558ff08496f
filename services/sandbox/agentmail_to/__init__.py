"""The sandbox's AgentMail.to door: `/v0` over HTTP and WebSocket, on the sandbox's one mail store.

Everything in here follows api/agentmail_to.md; none of it is part of the client.
"""
