"""Drafts on the disk, their revisions, and the files that go along with them."""
