"""How large a mail by SES may be: what is planned fits, and hardly anything that fits is refused."""

from __future__ import annotations

import pytest

from services.api import ses_mime
from services.draft import Draft
from services.errors import UsageError
from services.outbound.gate.carriage import uncarried
from services.outbound.gate.plan import PlannedFile
from services.outbound.gate.transport import ServiceRules
from services.outbound.gate.transports.ses import SesWayOut
from services.service_config import SesPlace


@pytest.fixture(scope="module")
def rules() -> ServiceRules:
    return SesWayOut(SesPlace("bot@host.example", "eu-west-1")).rules


def is_planned(rules: ServiceRules, size: int, *, encrypted: bool = False) -> bool:
    file = PlannedFile("/big", "big.bin", "application/octet-stream", size, "0" * 64)
    return not uncarried(Draft.begin(), (file,), rules, encrypted=encrypted)


def largest(rules: ServiceRules, *, encrypted: bool = False) -> int:
    """Bytes of the largest file that is planned."""
    low, high = 0, ses_mime.LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if is_planned(rules, middle, encrypted=encrypted) else (low, middle)
        )
    return low


def written(size: int) -> int:
    file = ses_mime.MimeFile("big.bin", "application/octet-stream", b"x" * size)
    mail = ses_mime.MimeMail(
        "bot@host.example", "ann@b.example", "Big", "See below.", files=(file,)
    )
    return len(ses_mime.written(mail))


def test_the_largest_file_that_is_planned_is_taken_and_is_nearly_all_that_ses_takes(
    rules: ServiceRules,
) -> None:
    most = largest(rules)
    raw = written(most)
    assert raw <= ses_mime.LARGEST
    assert raw > ses_mime.LARGEST * 99 // 100
    assert not is_planned(rules, most + 1)
    with pytest.raises(UsageError, match="40 MB"):
        written(most * 101 // 100)


def test_a_sealed_file_may_be_smaller_by_its_armor(rules: ServiceRules) -> None:
    clear, sealed = largest(rules), largest(rules, encrypted=True)
    assert clear / 1.40 < sealed < clear / 1.35
