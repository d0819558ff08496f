"""One module a command-line verb; none of them imports Textual."""
