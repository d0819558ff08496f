"""Mail from machines: builds, monitoring, security, backups, bounces, calendar entries.

Closes the trap of alerts that read alike: each source has its own subject style and body, as real
ones do, so that scanning and searching a list can be judged.
"""

from __future__ import annotations

from typing import Final

from services.sandbox.samples import files
from services.sandbox.samples.draft import Draft, Sender
from services.sandbox.samples.people import MACHINES, Cast
from services.sandbox.samples.phrases import Words

_BY_ROLE: Final = {machine.role: machine for machine in MACHINES}
_FORGE: Final = MACHINES[0]
_PIPELINE: Final = MACHINES[1]
_BUILDS: Final = (
    "[{repo}] {job} failed on {branch} ({sha})",
    "[{repo}] {job} passed on {branch}",
    "Build #{n4} of {repo} failed on {arch}",
    "Build #{n4} of {repo} is green again",
    "[{repo}] release {version} published",
    "[{repo}] {n1} flaky tests in {job}",
    "[{repo}] dependency update: {n2} packages",
    "{repo}: deploy of {version} to {region} done",
    "{repo}: rollback to {version}",
    "[{repo}] coverage fell by {pct} %",
    "[{repo}] pull request #{n3} needs review",
    "[{repo}] pull request #{n3} merged",
)
_LOG: Final = (
    "  {job} .......... {secs} s", "  {job_b} ......... {secs_b} s", "  cache hit {pct} %",
    "  artifact {sha}.tar.gz uploaded", "  warning: {column} is deprecated",
    "  {n3} passed, {n1} failed, {n2} skipped", "  FAILED tests/test_{service}.py::test_{n2}",
    "  retry 2 of 3", "  runner {host} ({arch})", "  AssertionError: {n3} != {n3_b}",
)  # fmt: skip
_ALARMS: Final = (
    "[firing] {metric} on {host} above {pct} %", "[resolved] {metric} on {host}",
    "WARN {service}: p99 latency {ms} ms ({region})",
    "CRITICAL {service} unreachable from {region}",
    "OK {service} reachable from {region} again", "{host}: certificate expires in {n1} days",
    "{host} rebooted at {hour}", "Anomaly: {metric} of {service} up {pct} %",
    "Incident {ticket}: {service} degraded", "Incident {ticket} closed after {n2} minutes",
    "Scheduled maintenance in {region} {when}", "Daily summary: {n1} alerts, {n2} checks",
)  # fmt: skip
_ALARM_LINES: Final = (
    "Started: {weekday} {hour}",
    "Threshold: {n2} %, now: {pct} %",
    "Runbook: https://runbooks.harborlight.example/{service}",
    "Graph: https://kestrelmetrics.example/g/{hex8}",
    "On call: rota {n1}",
    "Affected requests: {n4}",
    "Last deploy: {repo} {version} ({sha})",
    "Similar alerts this month: {n1}",
)
_SECURITY: Final = (
    "New sign-in from {city}", "Your API token ends in {n1} days", "{n1} new advisories for {repo}",
    "Key rotation for {host} is due", "Blocked {n3} log-in attempts on {host}",
    "Secret found in {repo} at {sha}", "Access review: {n2} people, {n1} to confirm",
    "Two-factor sign-in was switched on for {service}",
)  # fmt: skip
_BACKUPS: Final = (
    "Backup of {host} complete ({n3} GB)",
    "Backup of {host} FAILED: no space left",
    "Restore test of {host}: {n4} files compared",
    "{host}: {n2} days without a full backup",
)
_MEETINGS: Final = (
    "{doc} review, {weekday} {hour}",
    "Stand-up {weekday} moved to {hour}",
    "Call with {customer}",
    "Planning {month} {year}",
    "Interview: {skill}",
    "Incident review {ticket}",
)


def build(words: Words, cast: Cast) -> Draft:
    """A result of continuous integration."""
    sender = words.rng.choice((_FORGE, _FORGE, _PIPELINE, cast.agent("nightly")))
    subject = words.pick(_BUILDS)
    lines = [subject.removeprefix(f"[{words['repo']}] ").capitalize(), ""]
    lines += [
        f"repository {words['repo']}",
        f"commit     {words['sha']}",
        f"branch     {words['branch']}",
        "",
    ]
    lines += words.several(_LOG, 2, 5)
    lines += ["", f"https://{sender.domain}/{words['repo']}/runs/{words['n5']}"]
    failed = "fail" in subject
    attached = (
        (files.log("job.log", words.several(_LOG, 4, 9)),) if failed and words.chance(0.4) else ()
    )
    return Draft(
        sender, subject, "\n".join(lines) + "\n", files=attached, kind="build",
        labels=("ci",) if words.chance(0.75) else (),
        headers=(("X-CI-Run", words["n5"]), ("Auto-Submitted", "auto-generated")),
    )  # fmt: skip


def alarm(words: Words, _cast: Cast) -> Draft:
    """A monitoring alert."""
    sender = _BY_ROLE[words.rng.choice(("monitoring", "monitoring", "paging", "status"))]
    subject = words.pick(_ALARMS)
    lines = [subject, "", *words.several(_ALARM_LINES, 2, 5)]
    attached = (files.chart("graph.png"),) if words.chance(0.1) else ()
    return Draft(
        sender, subject, "\n".join(lines) + "\n", files=attached, kind="alarm",
        labels=("ops",) if words.chance(0.6) else (), headers=(("Auto-Submitted",
        "auto-generated"),),
    )  # fmt: skip


def notice(words: Words, cast: Cast) -> Draft:
    """A security note, a backup report or a calendar entry."""
    kind = words.rng.random()
    if kind < 0.4:
        text = words.pick(
            (
                "{ticket}\n\nIf this was you, nothing is left to do.\n",
                "Details: https://vaultwatch.example/e/{hex8}\n",
            )
        )
        return Draft(
            _BY_ROLE["security"], words.pick(_SECURITY), text, kind="security", labels=("security",)
        )
    if kind < 0.65:
        text = words.pick(
            ("{n4} files, {n3} GB, {n2} minutes.\n", "Set {hex8}, host {host}, {n3} GB.\n")
        )
        return Draft(_BY_ROLE["backup"], words.pick(_BACKUPS), text, kind="backup")
    title = words.pick(_MEETINGS)
    month, day, hour = (low + words.rng.randrange(size) for low, size in ((1, 12), (1, 28), (8, 9)))
    start = f"2026{month:02d}{day:02d}T{hour:02d}0000Z"
    sender = _BY_ROLE["calendar"]
    entry = files.invitation(f"{words['uuid']}@{sender.domain}", title, start, sender.address)
    text = f"{cast.name} is invited to: {title}\n\nAnswer in your calendar.\n"
    return Draft(sender, f"Invitation: {title}", text, files=(entry,), kind="calendar")


def bounce(words: Words, cast: Cast) -> Draft:
    """A delivery failure notice, as a three-part report (RFC 3464)."""
    domain = cast.address.rpartition("@")[2]
    target = words.pick(
        ("info@{hex8}.example", "{repo}@nowhere.example", "sales@{sha}.example.net")
    )
    text = f"Your message could not be delivered to {target}.\r\n550 5.1.1 No such user\r\n"
    status = (
        f"Reporting-MTA: dns; mail.{domain}\r\n\r\nFinal-Recipient: rfc822; {target}\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n"
    )
    subject = words.pick(("Offer", "Introduction", "Re: {ticket}"))
    original = f"From: {cast.address}\r\nTo: {target}\r\nSubject: {subject}\r\n\r\n"
    line = f"report-{words['hex8']}"
    parts = (
        ("text/plain; charset=us-ascii", text),
        ("message/delivery-status", status),
        ("text/rfc822-headers", original),
    )
    body = "".join(f"--{line}\r\nContent-Type: {kind}\r\n\r\n{part}\r\n" for kind, part in parts)
    head = f'Content-Type: multipart/report; report-type=delivery-status; boundary="{line}"\r\n\r\n'
    sender = Sender("Mail Delivery System", f"mailer-daemon@{domain}")
    return Draft(
        sender, f"Undelivered mail returned to sender ({target})", kind="bounce",
        raw_parts=f"{head}{body}--{line}--\r\n".encode(),
    )  # fmt: skip
