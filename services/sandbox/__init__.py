"""A local mail service for trying out and testing the client. It is not part of the client."""
