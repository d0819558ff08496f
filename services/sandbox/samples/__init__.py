"""The sample mailbox: any number of plausible mails to an agent, the same for the same seed.

`mails` yields `SampleMail` values oldest first; `fill` hands them to a store's `deliver_many`.
"""

from services.sandbox.samples.draft import SampleMail

__all__ = ["SampleMail"]
