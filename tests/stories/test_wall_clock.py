"""A story has a clock of its own: what the wall says is nobody's business."""

from pathlib import Path

from freezegun import freeze_time

from daemon.core.delivery.outcome import Outcome
from tests.support.engines import USED
from tests.support.story import Story


def played(path: Path) -> Story:
    """Phones, an API, an endpoint and the process itself come and go."""
    story = Story(path)
    story.phone("077", (10, 200))
    story.sms_arrives(45, "שלום")
    story.api_fails(230, 320)
    story.endpoint_says(Outcome.UNREACHABLE, 60, 120)
    story.run(until=150)
    story.kill()
    story.run(until=500)
    story.database.close()
    return story


@USED
def test_a_wall_clock_that_stands_in_2001_changes_nothing(tmp_path: Path) -> None:
    usual = played(tmp_path / "usual.db")
    with freeze_time("2001-09-09T01:46:40Z"):
        frozen = played(tmp_path / "frozen.db")

    assert [at for at, _ in usual.accepted()] != []
    assert frozen.told == usual.told
    assert frozen.bodies() == usual.bodies()
