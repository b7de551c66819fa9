"""The card in every state, tame and hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.domain.diagnosis import Action, FailureClass, Quote
from bot.domain.evidence import VERIFY_URL, Neighbour, Source, Status
from bot.domain.guard import Permit, Refusal, RefusalReason
from bot.domain.incident import LIVE, Incident, State
from bot.domain.target import parse_target
from bot.slack.views import card as views
from tests.slack.blockkit import check_message, interactive, length, parts
from tests.slack.hostile import NASTY, incidents
from tests.slack.incidents import BY_RULES, BY_STATE, DIAGNOSIS, EVIDENCE, FACTS, POOL, PRESSED, PROPOSED, STOPPED

REFUSED = replace(
    PROPOSED,
    verdict=Refusal(RefusalReason.COOLDOWN, "buggy-app-v2 was restarted 2 min ago; next one in 3 min."),
    alerts=3,
)
NOT_PROPOSED = replace(
    PROPOSED,
    diagnosis=replace(
        DIAGNOSIS,
        headline="the database is down",
        root_cause="Every request fails because orders-db refuses connections.",
        justification="orders-db is down; restarting this container changes nothing.",
        action=Action.IGNORE,
        restart_helps=False,
        trouble=FailureClass.DEPENDENCY_DOWN,
        confidence=0.92,
    ),
)

AT_FAULT = replace(
    NOT_PROPOSED,
    evidence=replace(EVIDENCE, neighbours=(Neighbour("orders-db", "exited", None, "Exited (1)", named_in_log=True),)),
)

CARDS = {state.value.lower(): incident for state, incident in BY_STATE.items()} | {
    "by_rules": BY_RULES,
    "refused": REFUSED,
    "neighbour": AT_FAULT,
    "not_proposed": NOT_PROPOSED,
    "dry_run": replace(PROPOSED, verdict=Permit(dry_run=True)),
    "nothing_read": replace(
        PROPOSED, evidence=None, digest="", verdict=Refusal(RefusalReason.FACTS, "The engine did not say.")
    ),
}


@pytest.fixture
def cards(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def buttons(incident: Incident) -> dict[str, Any]:
    return {button["action_id"]: button for button in interactive(views.card(incident).blocks)}


def _offers(button: Mapping[str, Any]) -> bool:
    return bool(button["action_id"] == "rediagnose")


@pytest.mark.parametrize("name", CARDS)
def test_the_card_reads_as_it_should(name: str, cards: SnapshotAssertion) -> None:
    message = views.card(CARDS[name])
    check_message(message)
    assert {"text": message.text.splitlines(), "blocks": message.blocks} == cards


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(incidents)
@pytest.mark.slow
def test_whatever_an_incident_holds_its_card_keeps_to_slacks_limits(incident: Incident) -> None:
    message = views.card(incident)
    check_message(message)
    pressable = interactive(message.blocks)
    if incident.state is not State.PROPOSED:
        assert not pressable
        return
    beside = [button for button in pressable if button["text"]["text"] != "Diagnose again" and _offers(button)]
    assert len(beside) <= 1
    carried = f"{incident.id}:{incident.digest}"
    assert {button["value"] for button in pressable if button not in beside} == {carried}
    assert all(button["value"].startswith(f"{carried}:") for button in beside)
    assert {"ignore", "evidence", "rediagnose"} <= {button["action_id"] for button in pressable}
    if not isinstance(incident.verdict, Permit):
        assert "restart" not in {button["action_id"] for button in pressable}


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("state", State)
def test_every_state_bears_one_hostile_text_in_every_field(state: State, text: str) -> None:
    incident = replace(
        BY_STATE[state],
        target=parse_target(text),
        title=text,
        closing=text,
        closed_by=text,
        reason=text,
        bundle=text,
        evidence=replace(EVIDENCE, facts=replace(FACTS, name=text, host=text, image=text, status=text)),
        diagnosis=replace(
            DIAGNOSIS,
            headline=text,
            root_cause=text,
            justification=text,
            by=text,
            quotes=(Quote(1, text, 3),) * 9,
            caveats=(text,) * 5,
            why_rules=text,
        ),
    )
    check_message(views.card(incident))


@pytest.mark.parametrize("state", [state for state in State if state is not State.PROPOSED])
def test_nothing_can_be_pressed_outside_proposed(state: State) -> None:
    assert not interactive(views.card(BY_STATE[state]).blocks)


def test_the_button_carries_incident_and_digest_and_asks_first() -> None:
    restart = buttons(PROPOSED)["restart"]
    assert restart["value"] == "i7Kq2:9f3c2a7b1d4e5f60"
    assert restart["text"]["text"] == "Restart buggy-app-v2"
    assert restart["style"] == "danger"
    assert restart["confirm"]["style"] == "danger"
    asked = restart["confirm"]["title"]["text"] + restart["confirm"]["text"]["text"]
    assert "buggy-app-v2" in asked
    assert "docker-7" in asked


@pytest.mark.fault(54)
def test_whoever_starts_a_stopped_container_is_told_so_before_the_press() -> None:
    asked = buttons(BY_RULES)["restart"]["confirm"]["text"]["text"]
    assert "It stopped at 2026-11-22 10:01 UTC with exit code 137." in asked
    assert asked.startswith("Starts container buggy-app-v2 on host docker-7.")


@pytest.mark.fault(54)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"restarting": True, "restart_count": 12}, "It keeps restarting by itself."),
        ({"running": False, "status": "created"}, "Starts container buggy-app-v2 on host docker-7 for the first time."),
        ({"running": False, "status": "exited", "finished_at": ""}, "It stopped with exit code 0."),
        ({}, "Stops container buggy-app-v2 on host docker-7 (10 s grace period) and starts it once."),
        ({"stop_timeout": 0}, "Stops container buggy-app-v2 on host docker-7 and starts it once."),
    ],
)
def test_the_confirmation_says_what_will_happen(changes: dict[str, Any], said: str) -> None:
    incident = replace(PROPOSED, evidence=replace(EVIDENCE, facts=replace(FACTS, **changes)))
    assert said in buttons(incident)["restart"]["confirm"]["text"]["text"]


def test_the_confirmation_of_the_longest_names_still_says_what_will_happen() -> None:
    facts = replace(STOPPED, name="n" * 128, host="h" * 300)
    incident = replace(PROPOSED, target=parse_target("n" * 128), evidence=replace(EVIDENCE, facts=facts))
    asked = buttons(incident)["restart"]["confirm"]["text"]["text"]
    assert "n" * 128 in asked
    assert asked.endswith("It stopped at 2026-11-22 10:01 UTC with exit code 137.")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Source(VERIFY_URL, Status.OK, "http://buggy:8080/health"), "Recovery is checked at http://buggy:8080/health."),
        (Source(VERIFY_URL, Status.OK, "http://h/<!channel>"), "Recovery is checked at http://h/"),
        (Source(VERIFY_URL, Status.DENIED, "The label leads elsewhere."), ""),
    ],
)
def test_the_confirmation_names_the_address_that_decides_about_the_recovery(source: Source, said: str) -> None:
    incident = replace(PROPOSED, evidence=replace(EVIDENCE, sources=(*EVIDENCE.sources, source)))
    asked = buttons(incident)["restart"]["confirm"]["text"]["text"]
    assert said in asked
    assert ("Recovery" in asked) == bool(said)
    shown = json.dumps(views.card(incident).blocks)
    assert ("The label leads elsewhere." in shown) == (source.status is Status.DENIED)


def test_a_refusal_is_on_the_card_before_anybody_presses() -> None:
    card = views.card(REFUSED)
    assert "restart" not in buttons(REFUSED)
    assert {"ignore", "evidence", "rediagnose"} == set(buttons(REFUSED))
    assert "was restarted 2 min ago; next one in 3 min." in card.text


@pytest.mark.parametrize(
    "changes",
    [{"verdict": None}, {"digest": ""}, {"evidence": None}, {"evidence": replace(EVIDENCE, facts=None)}],
    ids=["unchecked", "no digest", "no evidence", "no facts"],
)
def test_without_all_that_an_approver_approves_there_is_no_restart_button(changes: dict[str, Any]) -> None:
    incident = replace(PROPOSED, **changes)
    assert "restart" not in buttons(incident)
    assert "Cannot be restarted from here" in views.card(incident).text


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    ("action", "helps", "words"),
    [
        (Action.RESTART, False, "A restart will not help"),
        (Action.IGNORE, False, "A restart will not help"),
        (Action.IGNORE, None, "No restart suggested"),
        (Action.IGNORE, True, "No restart suggested"),
    ],
)
def test_a_restart_that_is_not_proposed_is_offered_without_emphasis(
    action: Action, helps: bool | None, words: str
) -> None:
    incident = replace(PROPOSED, diagnosis=replace(DIAGNOSIS, action=action, restart_helps=helps))
    restart = buttons(incident)["restart"]
    assert restart["text"]["text"] == "Restart anyway"
    assert "style" not in restart
    assert list(buttons(incident))[-1] == "restart"
    assert f"*{words}* · 86% confidence" in views.card(incident).text


def test_a_dry_run_is_said_on_the_card_and_in_the_confirmation() -> None:
    incident = replace(PROPOSED, verdict=Permit(dry_run=True))
    assert "*Dry run:*" in views.card(incident).text
    assert buttons(incident)["restart"]["confirm"]["text"]["text"].startswith("Dry run: nothing is restarted.")
    assert buttons(incident)["restart"]["confirm"]["confirm"]["text"] == "Dry run"


def test_a_dry_run_that_was_pressed_does_not_claim_a_restart() -> None:
    told = "Dry run: buggy-app-v2 would have been restarted here. Nothing was done."
    incident = replace(PRESSED, state=State.INTERRUPTED, restarted_at=None, closing=told, bundle="")
    assert views.card(incident).text.startswith("⚪ buggy-app-v2: not restarted\nDry run: buggy-app-v2")


def test_more_alerts_are_counted() -> None:
    assert "3 alerts since" in views.card(REFUSED).text
    assert "alerts since" not in views.card(PROPOSED).text


@pytest.mark.parametrize("state", [State.OPEN, State.PROPOSED])
def test_the_card_says_who_asked_and_about_which_message(state: State) -> None:
    asked = replace(BY_STATE[state], title="buggy-app-v2 looks odd", alert_text="buggy-app-v2 looks odd, again")
    assert (
        "Alert: buggy-app-v2 looks odd · Asked for by <@U0ONCALL>"
        in views.card(replace(asked, opened_by="U0ONCALL")).text
    )
    requested = views.card(replace(asked, opened_by="U0ONCALL", alert_text="")).text
    assert "Asked for by <@U0ONCALL>" in requested
    assert "Alert:" not in requested


def test_the_rules_say_why_they_speak() -> None:
    assert "95% confidence · rule-based" in views.card(BY_RULES).text
    assert "No answer from Gemini within 20 s; this diagnosis is rule-based." in views.card(BY_RULES).text
    assert "tokens" not in views.card(BY_RULES).text


def test_what_is_unknown_is_left_out_and_never_a_dash() -> None:
    text = views.card(BY_RULES).text
    assert "· memory" not in text
    assert "(4 days old) · log empty\n" in text
    assert "*Not read:* stats (the proxy refuses)" in text
    for incident in CARDS.values():
        assert "–" not in views.card(incident).text


def test_related_containers_without_trouble_are_not_listed() -> None:
    near = (
        Neighbour("orders-db", "running", "healthy", named_in_log=True),
        Neighbour("redis", "running"),
        Neighbour("payments", "running", "unhealthy"),
    )
    text = views.card(replace(PROPOSED, evidence=replace(EVIDENCE, neighbours=near))).text
    assert "*Related containers:* payments unhealthy\n" in text
    assert "redis" not in text
    calm = views.card(replace(PROPOSED, evidence=replace(EVIDENCE, neighbours=near[:2]))).text
    assert "Related containers" not in calm


def test_the_crash_evidence_is_named_by_its_file_alone() -> None:
    text = views.card(replace(BY_STATE[State.RESOLVED], bundle="/var/lib/aegis/bundles/2026/i7Kq2.json")).text
    assert "Crash evidence on Aegis's host: `i7Kq2.json`" in text
    assert "/var/lib" not in text


def test_only_the_sources_that_failed_are_listed_and_say_why() -> None:
    sources = (
        Source("state", Status.OK, "running"),
        Source("image", Status.OK, "built 2026-11-20"),
        Source("logs", Status.OK, "1,204 lines"),
        Source("changes", Status.OK, "container created 4 min ago"),
        Source("stats", Status.TIMED_OUT, "no answer in time"),
        Source("disk", Status.EMPTY, "the engine does not tell"),
    )
    said = views.card(replace(PROPOSED, evidence=replace(EVIDENCE, sources=sources))).text
    assert "*Not read:* stats (no answer in time) · as of" in said
    assert "*Changed:* container created 4 min ago\n" in said
    for left_out in ("1,204 lines", "does not tell", "built 2026-11-20", " ok"):
        assert left_out not in said


def test_the_presser_is_named_as_soon_as_it_was_pressed() -> None:
    for state in (State.ACTING, State.VERIFYING, State.RESOLVED, State.UNRESOLVED):
        assert "<@U0ONCALL> pressed Restart" in views.card(BY_STATE[state]).text


def test_the_card_fits_a_phone_screen() -> None:
    wordy = replace(
        PROPOSED,
        diagnosis=replace(
            DIAGNOSIS, root_cause="cause " * 2000, justification="why " * 2500, quotes=(Quote(1, "x" * 4000, 7),) * 30
        ),
    )
    blocks = views.card(wordy).blocks
    (printed,) = [part["text"] for part in parts(blocks) if part.get("type") == "text"]
    assert len(printed.splitlines()) == 5
    assert max(map(len, printed.splitlines())) <= 120
    assert printed.splitlines()[0].endswith("…  ×7")
    (body,) = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    assert all(length(line) <= 310 for line in body.splitlines())


def test_log_lines_are_printed_raw_where_slack_reads_no_markup() -> None:
    incident = replace(PROPOSED, diagnosis=replace(DIAGNOSIS, quotes=(Quote(1, "a < b && <!here> ```"),)))
    (printed,) = [part for part in parts(views.card(incident).blocks) if part.get("type") == "text"]
    assert printed == {"type": "text", "text": "a < b && <!here> ```"}


def test_the_text_alone_says_what_the_blocks_say() -> None:
    text = views.card(PROPOSED).text
    for said in (
        "🔴 buggy-app-v2: connection pool exhausted",
        "Suggested: restart* · 86% confidence · Gemini (gemini-3.5-flash-lite)",
        "Twenty of twenty",
        POOL,
        "×412",
        "Seen 2 times in 20 days; a restart fixed it both times",
        "running 3 h 12 min · unhealthy · memory 61% · image 2.3.1 (4 days old)",
        "Not read:* stats (timed out)",
        "Restart buggy-app-v2, Ignore, Evidence, Diagnose again",
    ):
        assert said in text


def test_a_closed_card_still_says_what_was_found() -> None:
    for state in set(State) - LIVE:
        assert (
            "*Found:* connection pool exhausted · suggested: restart · 86% confidence"
            in views.card(BY_STATE[state]).text
        )


def test_the_header_keeps_the_trouble_of_the_longest_name() -> None:
    header = views.card(replace(PROPOSED, target=parse_target("n" * 128))).blocks[0]["text"]["text"]
    assert header.endswith(": connection pool exhausted")


def test_the_neighbour_at_fault_is_named_and_its_diagnosis_offered() -> None:
    card = views.card(AT_FAULT)
    (offer,) = [one for one in interactive(card.blocks) if one["text"]["text"] == "Diagnose orders-db"]
    assert (offer["action_id"], offer["value"]) == ("rediagnose", f"{AT_FAULT.id}:{AT_FAULT.digest}:orders-db")
    assert "Look at *orders-db* first." in str(card.blocks)
    silent = replace(AT_FAULT, diagnosis=replace(AT_FAULT.diagnosis or DIAGNOSIS, root_cause="Every request fails."))
    assert "*orders-db* has stopped, and the log names it. Look there first." in str(views.card(silent).blocks)


@pytest.mark.parametrize("name", ["a b", "-x", "x" * 129, "ex\u0430mple", "a:b", "<!here>"])
def test_a_name_that_docker_would_not_give_makes_no_button(name: str) -> None:
    near = (Neighbour(name, "exited", named_in_log=True),)
    odd = replace(AT_FAULT, evidence=replace(EVIDENCE, neighbours=near))
    assert [one["text"]["text"] for one in interactive(views.card(odd).blocks) if _offers(one)] == ["Diagnose again"]


def test_no_neighbour_is_offered_where_the_trouble_is_its_own_or_the_card_is_decided() -> None:
    own = replace(AT_FAULT, diagnosis=DIAGNOSIS)
    decided = replace(AT_FAULT, state=State.IGNORED, closing="Ignored.")
    for incident in (own, decided):
        assert "Diagnose orders-db" not in str(views.card(incident).blocks)


def test_what_would_show_that_it_is_wrong_is_said() -> None:
    doubted = replace(PROPOSED, diagnosis=replace(DIAGNOSIS, disproof="Free connections in the pool."))
    assert "*Wrong if:* Free connections in the pool." in str(views.card(doubted).blocks)


def test_a_futile_restart_reads_restart_anyway_last_and_without_danger() -> None:
    shown = list(interactive(views.card(NOT_PROPOSED).blocks))
    assert (shown[-1]["text"]["text"], shown[-1].get("style")) == ("Restart anyway", None)
    assert "will not help" in shown[-1]["confirm"]["text"]["text"]
