"""The service layer: everything but the screen. It knows no Textual.

Leaves (`safe_text`, `errors`, `models`, `draft`, the `…_models` and `…_events`) may be imported by
everyone. Above them `reading` (mail as safe text), then `api` (the wire), `cache` (TinyDB on an
append-only log) and `crypto` (OpenPGP, bytes in and out); on these `keys` and `attachments`; then
`sync` (the mailbox) and `outbound` (drafts, policy, the gate, outbox, approvals, audit), which know
nothing of each other; `posting` brings them together for the engine. On top `engine`: one daemon
thread with one asyncio loop, and `unified`: several engines as one on one such loop. `sandbox` is a
server of its own that shares only the contract.
"""
