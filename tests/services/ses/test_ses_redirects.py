"""A redirect instead of Amazon's answer to a mail: the mail may have left, unless asked for elsewhere."""

from __future__ import annotations

import pytest

from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import PENDING, UNCERTAIN, send, states
from tests.services.ses.conftest import SesControl
from tests.services.ses.ses_office import Opens, by_ses

pytest.importorskip("boto3")


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_to_what_came_of_it_leaves_a_doubt_and_one_mail(
    opens: Opens, bob: Party, door: SesControl, status: int
) -> None:
    office = await opens()
    door.fault("status_after", status=status)
    (entry,) = await send(office, by_ses(bob.address))
    assert (entry.state, entry.next_try, entry.may_have_left) == (UNCERTAIN, 0, True)
    office.clock.now += 10_000  # type: ignore[attr-defined]
    assert states(await office.sending.push([entry.entry_id], 5)) == [UNCERTAIN]
    assert (len(door.asked()), len(door.sent())) == (1, 1)


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_that_asks_for_the_same_elsewhere_leaves_no_doubt(
    opens: Opens, bob: Party, door: SesControl, status: int
) -> None:
    office = await opens()
    door.fault("status", status=status)
    (entry,) = await send(office, by_ses(bob.address))
    assert (entry.state, entry.may_have_left) == (PENDING, False)
    assert door.sent() == []
