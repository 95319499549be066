"""The front page and that of a system: how it stands, in words that are true, in both languages."""

import re
from datetime import timedelta
from enum import Enum
from html import unescape

import pytest
import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.delivery.breaker import Breaker, DisabledBy, Health
from daemon.core.event_types import KINDS
from daemon.core.model import Failure
from daemon.core.rendering.phrases_en import ENGLISH_METRICS
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.core.watches import subjects as words_of_subjects
from daemon.core.watches.api import Problems
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import endpoint_health, watches
from daemon.web.dependencies import Scheduled
from daemon.web.page.static import FILES
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL
from tests.support.http_app import Setting
from tests.support.watched import DOWN, NOW, SECOND, UNKNOWN, UP, Watched, queue, sip, the_api
from tests.web.page.test_frame import unclosed

HOSTILE = ("<script>alert(1)</script>", "\u202eevil", '"><img src=x onerror=y>', "x" * 10_000, "שלום <i>")
DAY = 86_400
LOAD = 100 * 1024


@pytest.fixture
def watched(setting: Setting) -> Watched:
    return Watched(setting)


def front(watched: Watched, path: str = "/", language: str = "en") -> str:
    answer = watched.setting.visitor(language=language).get(path)
    assert answer.status_code == 200, answer.text[:400]
    assert unclosed(answer.text) == []
    return answer.text


def text(html: str) -> str:
    """As it is read, on one line."""
    read = re.sub(r"<title>.*?</title>|[\u2068\u2069]", "", html)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", read))).strip()


def banner(html: str) -> tuple[str, str, list[str]]:
    """Its state, what it says first, and what else."""
    found = re.search(r'<div class="banner (\w+)">(.*?)</div>', html, re.DOTALL)
    assert found
    first = re.search(r'class="said-first">(.*?)</(?:h1|p)>', found[2], re.DOTALL)
    assert first
    return found[1], text(first[1]), [text(one) for one in re.findall(r"<li[^>]*>(.*?)</li>", found[2])]


def row(html: str, name: str) -> str:
    """The row of one thing, as it is read."""
    return next(one for one in map(text, re.findall(r"<li data-key.*?</li>", html, re.DOTALL)) if name in one)


class TestBanner:
    """How it stands."""

    def test_all_is_well(self, watched: Watched) -> None:
        watched.see(the_api(), *(sip(f"07{at}") for at in range(18)), queue("5"), queue("6"))

        assert banner(front(watched)) == ("well", "All is well: 18 phones registered, 2 queues watched", [])
        state, said, _ = banner(front(watched, language="he"))
        assert (state, said) == ("well", "הכול תקין: 18 טלפונים מחוברים, שני תורים במעקב")

    def test_phones_that_are_not_registered(self, watched: Watched) -> None:
        since = NOW - 120 * SECOND
        watched.see(the_api(), sip("071"), sip("072", DOWN), sip("073", DOWN), since=since)
        watched.alert("sip/072", "sip.account.unregistered")
        watched.alert("sip/073", "sip.account.unregistered")

        state, said, _ = banner(front(watched))
        assert (state, said) == ("wrong", "2 phones are not registered, since 11:59: 072, 073")
        assert banner(front(watched, language="he"))[1] == "שני טלפונים מנותקים, מאז 11:59: 072, 073"

    def test_what_is_not_reported_yet_is_said_to_be_so(self, watched: Watched) -> None:
        watched.see(the_api(), sip("072", DOWN))
        watched.alert("sip/072", "sip.account.unregistered", "pending")

        assert banner(front(watched))[:2] == (
            "wrong",
            "Phone 072 is not registered, since 11:01 (reported if it lasts)",
        )

    def test_an_api_that_does_not_answer_is_not_known(self, watched: Watched) -> None:
        watched.see(the_api(DOWN, failure="timeout", message="no answer", watches=["sip"]))
        watched.see(sip("071", UNKNOWN, failure="timeout"), sip("072", UNKNOWN, failure="timeout"))
        watched.fail(Failure.TIMEOUT)

        state, said, more = banner(front(watched))
        assert state == "unknown"
        assert said == "Not known since 11:01: the API does not answer (timeout). It is about 2 phones"
        assert more == []

    def test_an_api_that_answers_all_but_one_question_is_not_away(self, watched: Watched) -> None:
        watched.see(the_api(DOWN, failure="timeout", message="no answer", watches=["queue-log/5"]))
        watched.see(sip("071"), queue("5"))

        state, said, more = banner(front(watched))
        assert (state, more) == ("unknown", [])
        assert said == (
            "Not known since 11:01: the API does not answer (timeout). It is about the log of queue 5"
        )

    def test_wrong_outranks_unknown_and_both_are_said(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071", DOWN), sip("072", UNKNOWN, reason="unreadable"))

        state, said, more = banner(front(watched))

        assert (state, said[:10]) == ("wrong", "Phone 071 ")
        assert more == ["Not known since 11:01: the API's answer cannot be read. It is about Phone 072"]

    def test_a_token_that_is_rejected_is_wrong(self, watched: Watched) -> None:
        watched.see(the_api(DOWN, failure="token_rejected"), sip("071", UNKNOWN, failure="token_rejected"))

        state, said, more = banner(front(watched))

        assert state == "wrong"
        assert said.startswith("Yemot rejects the token, since 11:01")
        assert more == ["Not known since 11:01: the API rejects the token. It is about Phone 071"]

    def test_a_daemon_that_has_seen_nothing_says_so(self, watched: Watched) -> None:
        state, said, _ = banner(front(watched))

        assert (state, said) == (
            "unknown",
            "Not known yet: the daemon started 1 min ago and has seen nothing so far",
        )
        assert "All is well" not in front(watched)

    def test_nothing_that_is_watched_is_not_well(self, setting: Setting, watched: Watched) -> None:
        setting.schedule = []

        assert banner(front(watched))[0] == "unknown"

    def test_what_was_seen_too_long_ago_is_not_known(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071"), at=NOW - timedelta(hours=1))

        state, said, _ = banner(front(watched))

        assert state == "unknown"
        assert "not checked of late" in said

    def test_a_watch_that_was_never_answered_is_not_known(self, setting: Setting, watched: Watched) -> None:
        watched.see(the_api(), queue("5"))
        setting.schedule = [one for one in setting.schedule if one.watch != "sip"]
        setting.schedule.append(Scheduled("main", "registrations", 30 * SECOND, NOW))

        assert banner(front(watched))[:2] == ("unknown", "Not known yet: registrations")

        watched.fail(Failure.REFUSED, watch="registrations")
        assert banner(front(watched))[1] == (
            "Not known since 11:01: the API refuses the request. It is about registrations"
        )

    def test_a_paused_system_is_not_known(self, setting: Setting, watched: Watched) -> None:
        watched.see(the_api(), sip("071"))
        setting.paused = {"main": timedelta(minutes=9)}

        state, said, _ = banner(front(watched))

        assert state == "unknown"
        assert said.startswith("System main is left alone until 12:10")

    def test_what_is_left_alone_for_long_is_known_no_more_but_for_why(
        self, setting: Setting, watched: Watched
    ) -> None:
        """One watch heard that the token is rejected; nobody asked for the other ever since."""
        watched.see(the_api(DOWN, failure="token_rejected"), sip("071", UNKNOWN, failure="token_rejected"))
        watched.see(queue("5"))
        for one in ("sip", "queue/5"):
            with setting.database.write() as db:
                watches.save_observed(
                    db, ("main", one), "{}", now=NOW - timedelta(hours=1), problems=Problems()
                )
        watched.fail(Failure.TOKEN_REJECTED, watch="sip")
        setting.paused = {"main": timedelta(minutes=9)}

        [main] = setting.client.get("/api/v1/status").json()["systems"]

        assert {one["subject"]: one["state"] for one in main["subjects"]} == {
            "api": "down",
            "sip/071": "unknown",
            "queue/5": "unknown",
        }

    def test_a_store_that_cannot_be_written_is_the_worst(self, setting: Setting, watched: Watched) -> None:
        watched.see(the_api(), sip("071", DOWN))
        setting.failing = ("2026-03-01T11:30:00Z", "disk full <b>")

        assert banner(front(watched))[1].startswith(
            "The database cannot be written, since 11:30 (disk full <b>)"
        )

    @pytest.mark.parametrize("health", [Health.SUSPENDED, Health.DISABLED])
    def test_endpoints_that_take_nothing_are_wrong(
        self, setting: Setting, watched: Watched, health: Health
    ) -> None:
        watched.see(the_api(), sip("071"))
        disabled_by = DisabledBy.GONE if health is Health.DISABLED else None
        breaker = Breaker(health=health, since=NOW, error="HTTP 503", disabled_by=disabled_by)
        with setting.database.write() as db:
            endpoint_health.save(db, {"crm": breaker})

        state, said, more = banner(front(watched))

        assert (state, said) == ("wrong", "No endpoint takes messages: nobody is told of anything")
        assert any(one.startswith("Endpoint crm ") for one in more)

    def test_one_that_was_switched_off_by_hand_is_said_and_wrongs_nothing(
        self, setting: Setting, watched: Watched
    ) -> None:
        watched.see(the_api(), sip("071"))
        setting.interests.append(Interest("ops", ("*",), None))
        off = Breaker(health=Health.DISABLED, since=NOW, disabled_by=DisabledBy.OPERATOR)
        with setting.database.write() as db:
            endpoint_health.save(db, {"crm": off})

        state, _, more = banner(front(watched))

        assert (state, more) == ("well", ["Endpoint crm was switched off by hand, since 12:01"])

    def test_nobody_to_tell_is_said(self, setting: Setting, watched: Watched) -> None:
        watched.see(the_api(), sip("071"))
        setting.interests.clear()

        assert banner(front(watched))[2] == ["No endpoint is configured: nobody is told of anything"]

    def test_alerts_of_the_machine_are_wrong(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071"))
        watched.alert("daemon/clock", "daemon.clock_wrong", system="")

        state, said, _ = banner(front(watched))

        assert state == "wrong"
        assert said.startswith("The clock of this machine is wrong")

    def test_an_alert_that_only_a_newer_version_knows_is_not_well(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071"))
        watched.alert("fax/1", "fax.jammed")

        assert banner(front(watched))[:2] == ("wrong", "fax.jammed, since 11:01: fax/1")

    def test_well_again_but_not_over(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071"))
        watched.alert("sip/071", "sip.account.unregistered", "recovering")

        assert banner(front(watched))[:2] == (
            "wrong",
            "071 is well again; the incident ends if that lasts",
        )

    def test_an_incident_that_nobody_sees_any_more(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071", UNKNOWN, reason="missing"))
        watched.alert("sip/071", "sip.account.unregistered", is_blind=True)

        assert banner(front(watched))[1].startswith("One incident is open, and whether it still lasts is not")

    def test_with_more_systems_each_sentence_names_its_own(self, watched: Watched) -> None:
        watched.see(the_api(), sip("071"))
        watched.see(the_api(), sip("072", DOWN), system="branch")

        assert banner(front(watched))[1] == "branch: Phone 072 is not registered, since 11:01"


class TestRows:
    """What is watched."""

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("kind", list(SubjectKind))
    @pytest.mark.parametrize("state", list(SubjectState))
    def test_every_state_of_every_kind(
        self, watched: Watched, kind: SubjectKind, state: SubjectState, language: str
    ) -> None:
        name = kind.value if kind not in (SubjectKind.SIP, SubjectKind.QUEUE) else f"{kind.value}/5"
        why = {"reason": "unreadable"} if state is UNKNOWN else {}
        watched.see(Subject(name, kind, state, why=why))

        html = front(watched, language=language)

        said = ALL[f"subjects.{kind.value}.{state.value}"][LANGUAGES.index(language)]
        assert f'<span class="state {state.value}">{said}</span>' in html

    def test_a_crossed_threshold_says_why(self, watched: Watched) -> None:
        why = {"metric": "calls_waiting", "value": 7, "above": 5}
        watched.see(the_api(), queue("5", DOWN, "sales", why=why))

        assert "limit crossed Queue sales 7 waiting, limit 5" in row(front(watched), "Queue sales")

    def test_how_long_a_phone_is_away_and_when_it_was_seen(self, watched: Watched) -> None:
        watched.see(sip("071", DOWN), since=NOW - 720 * SECOND)

        assert "Phone 071 for 12 min since 11:49 · seen 5 s ago" in row(front(watched), "071")
        assert 'class="seen"' in front(watched)

    def test_what_was_not_seen_for_three_polls_is_grey(self, watched: Watched) -> None:
        watched.see(sip("071"), at=NOW - 91 * SECOND)

        assert 'class="seen stale"' in front(watched)

    def test_uptime_has_its_unseen_share(self, watched: Watched) -> None:
        watched.see(sip("071"))
        watched.past("sip/071", [(36_000, UP, {}), (3_600, UNKNOWN, {}), (360, DOWN, {}), (40_000, UP, {})])

        html = front(watched)

        assert re.search(r"24 hours: 99\.53%, \d+\.\d+% unseen", row(html, "071"))
        (label,) = re.findall(r'class="bar"[^>]*aria-label="([^"]*)"', html)
        assert re.fullmatch(r"24 hours: up 99\.53%, down 6 min in one piece, unseen \d+\.\d+%", label)
        assert re.search(r"<title>[^<]*\d\d:\d\d[^<]*: not registered, 6 min in all</title>", html)

    def test_nothing_seen_is_never_a_hundred_percent(self, watched: Watched) -> None:
        watched.see(sip("071"))

        said = row(front(watched), "071")

        assert "24 hours: not seen 7 days: not seen 30 days: not seen" in said
        assert "%" not in said

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("name", HOSTILE)
    def test_strange_names_are_text(self, watched: Watched, name: str, language: str) -> None:
        why = {"reason": name}
        watched.see(Subject(f"queue/{name}", SubjectKind.QUEUE, UNKNOWN, name, why, {"newest": name}))
        watched.see(sip(name, DOWN), the_api(DOWN, failure=name, message=name, watches=[name]))
        watched.see(Subject("directory/2", SubjectKind.DIRECTORY, UP, metrics={"newest": name}))
        watched.alert(f"{name}/1", name)

        html = front(watched, language=language)

        assert not re.search(r"<script>alert|<img|<i>", html)
        assert "\u202e" not in html
        assert len(html) < LOAD


SMALL = ("alerts", "watches", "starts", "subjects", "endpoints", "sequences", "kept_scopes", "each")
"""What has a row for each thing that is watched, told or configured, and no more."""
WHOLE = re.compile(rf"SCAN (?!({'|'.join(SMALL)})\b)\w")


class TestLarge:
    """A thousand accounts."""

    @pytest.fixture
    def office(self, watched: Watched) -> Watched:
        names = [f"07{at:08}" for at in range(1000)]
        watched.see(the_api(), *(sip(name, DOWN if name.endswith("99") else UP) for name in names))
        return watched

    def test_what_is_not_well_is_shown_and_the_rest_counted(self, office: Watched) -> None:
        html = front(office)

        assert html.count("<li data-key") == 10
        assert "the API, 990 phones: well" in text(html)
        assert 'href="/systems/main"' in html

    def test_the_first_load_is_small(self, office: Watched) -> None:
        assert size(front(office)) < LOAD

    def test_where_everything_is_wrong_it_is_still_small(self, watched: Watched) -> None:
        watched.see(the_api(), *(sip(f"07{at:08}", DOWN) for at in range(1000)))

        html = front(watched)

        assert size(html) < LOAD
        assert "And 900 more that are not well" in text(html)

    def test_a_system_has_so_many_rows_at_once(self, office: Watched) -> None:
        html = front(office, "/systems/main")

        assert html.count("<li data-key") == 40
        assert 'href="/systems/main?from=40"' in html
        assert front(office, "/systems/main?from=1000").count("<li data-key") == 1
        assert front(office, "/systems/main?only=unwell").count("<li data-key") == 10
        assert size(html) < LOAD

    def test_no_page_scans_a_table(self, office: Watched) -> None:
        scanned = []
        asked: list[tuple[str, object]] = []

        def heard(_c: object, _k: object, statement: str, values: object, *_: object) -> None:
            asked.append((statement, values))

        sa.event.listen(office.database.engine, "before_cursor_execute", heard)
        for path in ("/", "/systems/main", "/systems/main/sip/0700000099"):
            front(office, path)
        sa.event.remove(office.database.engine, "before_cursor_execute", heard)

        with office.database.read() as db:
            raw = db.connection.driver_connection
            assert raw is not None
            for statement, values in asked:
                if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                    plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
                    scanned += [one[3] for one in plan if WHOLE.match(one[3])]
        assert asked
        assert {one for one in scanned if "CONSTANT" not in one and "INDEX" not in one} == set()


def test_rows_of_what_comes_and_goes_are_small(watched: Watched) -> None:
    """The most that has a bar on the front page, each of them in as many pieces as can be."""
    names = [f"07{at:08}" for at in range(39)]
    watched.see(the_api(), *map(sip, names))
    for name in names[:10]:
        watched.past(f"sip/{name}", [(100, UP, {}), (100, DOWN, {}), (50, UNKNOWN, {})] * 60)

    html = front(watched)

    assert html.count('class="bar"') == 40
    assert size(html) < LOAD


def size(html: str) -> int:
    """Of the first load, with the files that it names."""
    named = [held for name, held in FILES.items() if f"/{name}" in html]
    assert len(named) > 2
    return len(html.encode()) + sum(map(len, named))


def codes(of: type[Enum]) -> list[str]:
    return [str(one.value) for one in of]


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("subjects.failure", codes(Failure)),
        ("subjects.phase", codes(Phase)),
        ("front.hold", codes(Hold)),
        ("front.endpoint", codes(Health)),
        ("front.endpoint.disabled", codes(DisabledBy)),
        ("front.alert", list(KINDS)),
        ("subjects.metric", list(ENGLISH_METRICS)),
        ("subjects.label", list(ENGLISH_METRICS)),
        ("subjects", codes(SubjectKind)),
        *((f"subjects.{kind}", codes(SubjectState)) for kind in codes(SubjectKind)),
        (
            "subjects.reason",
            [
                words_of_subjects.MISSING,
                words_of_subjects.UNREADABLE,
                words_of_subjects.NOT_ASKED,
                words_of_subjects.NEVER_SEEN,
            ],
        ),
    ],
)
def test_every_code_has_its_sentence_in_both_languages(prefix: str, wanted: list[str]) -> None:
    assert [code for code in wanted if f"{prefix}.{code}" not in ALL] == []


def test_who_may_only_command_sees_it_too_and_a_stranger_nothing(watched: Watched) -> None:
    watched.see(the_api(), sip("0771234567"))

    assert watched.setting.visitor("commander").get("/").status_code == 200
    for path in ("/", "/systems/main", "/systems/main/sip/0771234567"):
        answer = watched.setting.browser().get(path)
        assert (answer.status_code, "registered" in answer.text) == (303, False)


def test_a_system_that_there_is_not_is_a_page(watched: Watched) -> None:
    assert watched.setting.visitor().get("/systems/nowhere").status_code == 404
