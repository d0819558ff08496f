"""The scalar types of the wire contract with their limits, each written once.

Closes the trap of a limit that the client, the sandbox and the OpenAPI document state differently.
Sources: api/assmbl.md §4.4, §6.1, §14; sizes of free text are assumed (§14 knows none).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 25
MAX_LABELS: Final = 20
MAX_LABEL_LENGTH: Final = 64
MAX_UPLOAD_BYTES: Final = 512 * 1024 * 1024

# A lookahead instead of `^[^…]*$`: `$` lets a final line feed through, and `\Z` is Python's own.
_NO_CONTROLS: Final = r"^(?![\s\S]*[\x00-\x1f\x7f\u0085\u2028\u2029])"

Line = Annotated[str, Meta(max_length=10_000, pattern=_NO_CONTROLS)]
"""Text that becomes one header line: no control characters, so no header can be smuggled in."""
Key = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[!-~]{1,256}(?![\s\S])")]
"""An id made by a program: visible ASCII."""
AgentId = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?![\s\S])")]
Address = Annotated[
    str,
    Meta(
        max_length=320,
        pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
        r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
        r"(?![\s\S])",
    ),
]
Label = Annotated[str, Meta(min_length=1, max_length=MAX_LABEL_LENGTH, pattern=r"\S")]
HeaderName = Annotated[str, Meta(pattern=r"^[!-9;-~]{1,76}(?![\s\S])")]
FileName = Annotated[str, Meta(min_length=1, max_length=255, pattern=_NO_CONTROLS)]
ContentType = Annotated[
    str, Meta(max_length=255, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?![\s\S])")
]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Price = Annotated[float, Meta(ge=0, le=1e12)]
AttachmentState = Literal["pending", "ready", "failed"]
KeyAlgorithm = Literal["Ed25519", "RSA", "RSA2048", "RSA4096", "ECDSA_P256"]
