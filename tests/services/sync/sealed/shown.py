"""What of an encrypted mail is shown as decrypted, and what as not."""

from __future__ import annotations

from services.seal_models import SealFacts
from services.shown_mail import RenderedMessage

SECRET = "meet at the old mill"
FOOTER = "--\nAttachments (links are valid for 7 days):\n- a.pdf: https://files.example/a?X-Amz-Signature=s\n"


def facts(message: RenderedMessage) -> SealFacts:
    assert message.seal is not None
    return message.seal


def inside(message: RenderedMessage) -> str:
    return "\n".join(line.text for line in message.body if not line.outside)


def outside(message: RenderedMessage) -> str:
    return "\n".join(line.text for line in message.body if line.outside)
