"""The sample mailbox: any number of plausible mails to an agent, the same for the same seed.

`mails` yields `SampleMail` values oldest first, each with a ready `Delivery`; `fill` puts them into
a store. Closes the trap of demos and tests that show another picture each time.
"""

from services.sandbox.samples.draft import SampleMail
from services.sandbox.samples.filling import fill
from services.sandbox.samples.mailbox import mails

__all__ = ["SampleMail", "fill", "mails"]
