"""What cannot leave of a draft is said on the compose screen as soon as it is put there."""

from __future__ import annotations

from pathlib import Path

from services.outbound.drafts.attaching import look_at
from services.safe_text import ui
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.compose_stage import begin, compose_of, letters, stage_with


async def test_a_file_that_cannot_go_along_is_told_at_once_and_stays_told(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    why, step = ui("AgentMail.to is not given files."), ui("Send it by Amazon SES.")
    stage = stage_with(FakeDrafts(hindrances=((why, step),)))
    async with stage.app.run_test(size=(140, 40)) as pilot:
        draft = await begin(pilot, stage)
        compose_of(stage).actions.add_files(draft, (look_at(tmp_path / "a.pdf", barred=()),))
        await until(pilot, lambda: "Send it by Amazon SES." in rows_of(stage.app)[0])
        assert "! AgentMail.to is not given files." in rows_of(stage.app)[3]
        await press(pilot, *letters("bo@x.y"))
        assert "! AgentMail.to is not given files." in rows_of(stage.app)[3]
        compose_of(stage).actions.remove_file(0)
        await until(pilot, lambda: "not given files" not in text_of(stage.app))
