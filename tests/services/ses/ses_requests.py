"""What tests of the SES door send through boto3, and how it refuses."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest


def raw(sender: str, to: str, subject: str = "raw", body: str = "text\n", **fields: str) -> bytes:
    mail = EmailMessage()
    for name, value in {"From": sender, "To": to, "Subject": subject, **fields}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(body)
    return mail.as_bytes()


def simple(text: str = "hello\n", subject: str = "simple") -> dict[str, Any]:
    return {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text}}}


def refused(call: Any, **asked: Any) -> tuple[int, str, str]:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer = caught.value.response
    error, about = answer["Error"], answer["ResponseMetadata"]
    return about["HTTPStatusCode"], error["Code"], error["Message"]
