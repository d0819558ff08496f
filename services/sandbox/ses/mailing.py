"""What happens to a mail that SES was asked to send: checked, counted, delivered, remembered.

Closes the trap of a stand-in that swallows mail: what is accepted arrives in the one mail store, in
the same commit that records it. Nothing that comes this way is verified for the recipient: it went
past the service's own sending (reference: "bypass the /send API"). An agent that does not exist
makes a notice to the sender, as SES sends it: taken is not delivered.
"""

from __future__ import annotations

import json
import uuid
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any, Final

from services.sandbox.context import Sandbox
from services.sandbox.ses.errors import Reason, SesError
from services.sandbox.ses.outgoing import Outgoing, as_sent

V1_LIMIT: Final = 10 * 2**20
V2_LIMIT: Final = 40 * 2**20
"""Bytes of a whole mail, by API."""
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS ses_sent (
    number INTEGER PRIMARY KEY, message_id TEXT NOT NULL, operation TEXT NOT NULL,
    source TEXT NOT NULL, recipients TEXT NOT NULL, delivered TEXT NOT NULL, sent_at REAL NOT NULL,
    raw BLOB NOT NULL)
"""


class Mailing:
    """Sends the mail of one SES account into the sandbox's store."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        sandbox.store.database.connection.execute(_TABLE)

    def send(self, mail: Outgoing, operation: str, limit: int) -> str:
        """Send one mail and return its SES message id; raises SesError."""
        account, store = self._sandbox.ses, self._sandbox.store
        if len(mail.raw) > limit:
            message = f"Message length is more than {limit} bytes long: '{len(mail.raw)}'."
            raise SesError(Reason.INVALID, message)
        account.check_configuration_set(mail.configuration_set)
        account.check_identities(mail.senders, mail.recipients, store.mail_domain)
        now = self._sandbox.clock()
        account.check_quota(now, len(mail.recipients))
        message_id = f"{int(now * 1000):016x}-{uuid.uuid4()}-000000"
        self._deliver(mail, operation, message_id, as_sent(mail, message_id, account.region, now))
        return message_id

    def _deliver(self, mail: Outgoing, operation: str, message_id: str, raw: bytes) -> None:
        store = self._sandbox.store
        found = [store.agent_by_address(address) for address in mail.recipients]
        agents = {agent.agent_id: agent for agent in found if agent is not None}
        with store.transaction() as db:
            for agent_id in agents:
                store.deliver(agent_id, raw, verified=False)
            self._bounce(mail, message_id)
            db.execute(
                "INSERT INTO ses_sent (message_id, operation, source, recipients, delivered, "
                "sent_at, raw) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    message_id, operation, mail.source, json.dumps(mail.recipients),
                    json.dumps([agent.address for agent in agents.values()]),
                    self._sandbox.clock(), raw,
                ),
            )  # fmt: skip

    def _bounce(self, mail: Outgoing, message_id: str) -> None:
        """Tell a sender of ours which of our addresses nobody has."""
        store = self._sandbox.store
        sender = store.agent_by_address(mail.source)
        ours = f"@{store.mail_domain}".lower()
        local = [address for address in mail.recipients if address.lower().endswith(ours)]
        unknown = [address for address in local if store.agent_by_address(address) is None]
        if sender is None or not unknown:
            return
        notice = EmailMessage(SMTP)
        notice["From"] = "MAILER-DAEMON@amazonses.com"
        notice["To"] = mail.source
        notice["Subject"] = "Delivery Status Notification (Failure)"
        notice["Date"] = formatdate(self._sandbox.clock())
        notice["In-Reply-To"] = f"<{message_id}@email.amazonses.com>"
        lines = ["An error occurred while trying to deliver the mail to:", "", *unknown]
        notice.set_content("\n".join(lines) + "\n")
        store.deliver(sender.agent_id, notice.as_bytes(), verified=False)


def sent_mail(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return all that was sent, oldest first, with the bytes as text."""
    connection = sandbox.store.database.connection
    connection.execute(_TABLE)
    rows = connection.execute(
        "SELECT message_id, operation, source, recipients, delivered, sent_at, raw "
        "FROM ses_sent ORDER BY number"
    )
    names = ("message_id", "operation", "source", "recipients", "delivered", "sent_at", "raw_mime")
    sent = [dict(zip(names, row, strict=True)) for row in rows]
    for mail in sent:
        mail["recipients"] = json.loads(mail["recipients"])
        mail["delivered"] = json.loads(mail["delivered"])
        mail["raw_mime"] = mail["raw_mime"].decode("utf-8", "replace")
    return sent
