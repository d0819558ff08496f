"""Drafts on the disk, their revisions, and the files that go along with them.

`draft_store` keeps them, as `draft_documents` and `revisions`; `draft_heads` and `draft_rows` are what
lists show; `attaching`, `files` and `carried_folders` are about their files, `outside_texts` about what
a killed program left in an editor's file.
"""
