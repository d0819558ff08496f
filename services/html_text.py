"""HTML mail as text."""


def load_parser() -> None:
    """Import the HTML parser now, for a process that may open no file later."""
    import turbohtml.saxparse  # noqa: F401
