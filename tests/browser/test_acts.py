"""What an operator does by hand: each once, however often it was clicked."""

import pytest
from playwright.sync_api import expect

from tests.browser import events
from tests.browser.conftest import Look, Visits
from tests.browser.house import CALLER, READER, House


def campaigns(house: House) -> int:
    return len(house.system.campaigns)


def commands(house: House) -> int:
    return house.count("SELECT count(*) FROM commands")


def draft_of_a_campaign(look: Look, *phones: str) -> None:
    """The form of a campaign, as far as the question whether it may cost what it costs."""
    look.go("/commands/new?type=campaign.bridge&system=main")
    look.page.locator('[name="params.phones"]').fill("\n".join(phones))
    look.page.locator('[name="params.ivr_path"]').fill("ivr2:/1")
    look.page.locator("main form button").first.click()
    expect(look.page.locator("button[name=agreed]")).to_be_visible()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_campaign_is_asked_for_once_more_and_dials_once(
    house: House, visits: Visits, *, with_scripts: bool
) -> None:
    look = visits.visitor(house.url, token=CALLER, java_script_enabled=with_scripts)
    draft_of_a_campaign(look, "0501234567", "0501234568")
    assert commands(house) == 0

    look.page.locator("button[name=agreed]").dblclick(no_wait_after=True)

    look.page.wait_for_url("**/commands/cmd_*")
    house.wait(lambda: campaigns(house) == 1)
    expect(look.page.locator("main")).to_contain_text("0501234567")
    if with_scripts:
        expect(look.page.locator(".state.up, .state.well").first).to_be_visible()
    assert commands(house) == 1


AGAIN = """
(sent) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/commands/new";
  for (const [name, value] of new URLSearchParams(sent)) {
    const field = document.createElement("input");
    [field.type, field.name, field.value] = ["hidden", name, value];
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}
"""
"""What a browser sends where somebody goes back, and has it send the form again."""


def test_the_same_form_sent_again_gives_no_second_campaign(house: House, visits: Visits) -> None:
    look = visits.visitor(house.url, token=CALLER)
    draft_of_a_campaign(look, "0501234567")
    with look.page.expect_request(lambda one: one.method == "POST") as posted:
        look.page.locator("button[name=agreed]").click()
    look.page.wait_for_url("**/commands/cmd_*")
    given = look.page.url
    look.go("/commands")

    look.page.evaluate(AGAIN, posted.value.post_data)

    look.page.wait_for_url("**/commands/cmd_*")
    assert look.page.url == given
    assert commands(house) == 1
    house.wait(lambda: campaigns(house) == 1)


def test_a_reader_is_offered_nothing_to_give(house: House, visits: Visits) -> None:
    look = visits.visitor(house.url, token=READER)
    look.go("/commands")
    assert look.page.locator("main form[method=post]").count() == 0

    with look.watched.expecting("403"):
        look.go("/commands/new")

    expect(look.page.locator("h1")).to_be_visible()


def test_an_alert_is_silenced_and_the_silence_ended(house: House, look: Look) -> None:
    house.system.set_registered("0770000000=2", registered=False)
    house.wait_for_event("sip.account.unregistered")
    look.go("/incidents")
    look.page.locator("main a[href^='/incidents/inc_']").first.click()
    look.page.locator("main").get_by_role("link", name="Silence").first.click()
    expect(look.page.locator("#subject")).to_have_value("sip/0770000000=2")
    look.page.locator("#comment").fill("a new phone is on its way")
    look.page.locator("#new form button:not([name])").dblclick(no_wait_after=True)

    force = look.page.locator("#in-force")
    expect(force).to_contain_text("a new phone is on its way")
    assert house.count("SELECT count(*) FROM silences") == 1

    force.get_by_role("button").first.click()
    expect(force).not_to_contain_text("a new phone is on its way")
    assert house.count("SELECT count(*) FROM silences WHERE expired_at IS NOT NULL") == 1


def test_a_dead_letter_is_sent_once_more(house: House, look: Look) -> None:
    house.system.receive_sms("0541234567", "Hello, are you there?")
    house.wait_for_dead_letters(1)
    events.archive_works(house)
    before = len(house.archive.received)
    look.go("/endpoints/archive")

    look.page.get_by_role("button", name="Send once more").first.click()

    house.archive.wait_for(before + 1)
    house.wait(lambda: house.count("SELECT count(*) FROM deliveries WHERE status = 'dead'") == 0)


def test_an_endpoint_is_tested_by_hand(house: House, look: Look) -> None:
    before = len(house.crm.received)
    look.go("/endpoints/crm")

    look.page.get_by_role("button", name="Send a test").first.click()

    assert b"test.ping" in house.crm.wait_for(before + 1)[-1].body
    expect(look.page.locator("main")).to_contain_text("204")
