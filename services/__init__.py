"""The service layer: everything but the screen. It knows no Textual.

Leaves (`safe_text`, `errors`, `models`, `events`, `ports`) may be imported by everyone. Above them
stand `api` (the wire), `cache` (TinyDB on an append-only log), the reading modules (`mime`,
`html_text`, `render`), then `sync`, and on top `engine`: one daemon thread with one asyncio loop.
`sandbox` is a server of its own that shares only the contract (`api/routes.py`, `api/codec.py`).
"""
