"""What agents propose, and what a person decides.

`draft_input` and `draft_schema` are the door for JSON, `agent_door` and `agent_room` what agents may do,
`proposals` and `comparing` what they want to send, `approval` the decision that is bound to a digest;
the `server_…` modules do the same for drafts that lie on the service.
"""
