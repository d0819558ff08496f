"""The ways out, one module a service; each is the only importer of the wire module that sends."""
