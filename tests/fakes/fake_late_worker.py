"""The real render worker with a moment before each answer in which a test can act."""

from __future__ import annotations

from services.reading.render_process import RenderWorker
from services.shown_mail import RenderedMessage


class FakeLateWorker:
    """The real worker; it counts, and can be told what to do before an answer goes out."""

    def __init__(self, worker: RenderWorker) -> None:
        self._worker = worker
        self.rendered = 0
        self.before_answer = lambda: None

    async def render(self, raw: bytes, **options: object) -> RenderedMessage:
        self.rendered += 1
        message = await self._worker.render(raw, **options)  # type: ignore[arg-type]
        self.before_answer()
        return message

    async def aclose(self) -> None:
        return
