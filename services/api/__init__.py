"""The wire: the contract as data, and the only makers of HTTP requests."""
