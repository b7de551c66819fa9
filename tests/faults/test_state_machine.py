"""Alerts, people, faults and kills in any order, with any interleaving: what must hold after every step does.

All of the bot is real, and its database too; the outside is in memory (``tests/simulation``). Every effect waits until
it is chosen, so presses, looks and commits of several people run through each other. ``HYPOTHESIS_PROFILE=torture`` is
the long form.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.alerts.alert import Alert, Kind
from bot.domain.audit.trail import TrailCheck
from bot.domain.guard import Policy
from bot.domain.incident import LIVE, Press, Thread
from bot.domain.runbook.json_format import parse_runbook
from bot.domain.target import parse_target
from bot.playground.slack.state.messages import controls
from bot.ports.database import ReceivedAlert
from tests.faults.simulation import bot as parts
from tests.faults.simulation import engine as docker
from tests.faults.simulation import slack as web
from tests.faults.simulation.bot import Bot, Unexpected
from tests.faults.simulation.engine import Container, LivingContainers
from tests.faults.simulation.stage import Stage
from tests.support import fakes

ONE, TWO, GUARDED, OTHER = "buggy-app-v2", "two-keys", "guarded", "prod-db"
NAMES = (ONE, TWO, GUARDED, OTHER)
POLICY = Policy(frozenset(map(parse_target, {ONE, TWO, GUARDED})), cooldown=300, limit=3, expiry=3600, dry_run=False)
APPROVERS = ("U0ONCALL", "U0SECOND")
HOSTILE = f"<!channel> <@U0EVIL> <https://evil.example|ok> &lt;!here&gt; password={web.SECRET}"
REPLY = json.dumps(
    {"root_cause": "held connections <!here>", "action": "restart", "justification": "<@U0EVIL>", "lines": [1]}
)
FAULTS = [
    (kind, fault)
    for table in (docker.FAULTS, parts.FAULTS, dict.fromkeys((web.POST, web.EDIT, web.READ, web.NOTE), web.FAULTS))
    for kind, faults in table.items()
    for fault in faults
]
LIVE_STATES = sorted(state.value for state in LIVE)

names = st.sampled_from((ONE, ONE, ONE, TWO, TWO, TWO, GUARDED, OTHER))
people = st.sampled_from((*APPROVERS, *APPROVERS, "U0STRANGER"))
choices = st.lists(st.integers(0, 7), max_size=25)
recent = st.sampled_from((1, 1, 1, 2, 3, 5, 8))


class Incidents(RuleBasedStateMachine):
    """Actors and events as rules; the promises as invariants."""

    def __init__(self) -> None:
        super().__init__()
        shm = Path("/dev/shm")  # where there is one, a commit costs no disk
        self.folder = tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)
        self.ending = ExitStack()
        self.ending.enter_context(self.folder)
        self.ending.enter_context(parts.database_at_once())
        self.stage = Stage()
        self.engine = LivingContainers(self.stage, f"{fakes.POOL_LINE} <!channel> <@U0EVIL>", written=self._written)
        self.engine.create(ONE)
        self.engine.create(TWO, ("aegis.approvals", "2"))
        self.engine.create(GUARDED, ("aegis.protect", "true"))
        self.engine.create(OTHER)
        self.bot = Bot(self.stage, Path(self.folder.name), POLICY, self.engine, REPLY)
        self.unexpected = Unexpected(self.stage)
        logging.getLogger("bot").addHandler(self.unexpected)
        self.told: list[ReceivedAlert] = []
        self.buttons: dict[tuple[str, str, str], None] = {}
        self.deleted: set[str] = set()
        """Cards that somebody deleted: their incidents, and their ts."""
        self.writes: Counter[tuple[str, str]] = Counter()
        self.trail = TrailCheck()
        self.bot.start()

    @initialize(name=st.sampled_from((ONE, TWO)), looked=st.booleans())
    def it_begins(self, name: str, looked: bool) -> None:
        self.an_alert_fires(name)
        self.stage.wait(float(looked))

    # The monitoring.

    @rule(name=names)
    def an_alert_fires(self, name: str) -> None:
        self._hear(Kind.FIRING, name)

    @rule(name=names)
    def its_sender_takes_it_back(self, name: str) -> None:
        self._hear(Kind.RESOLVED, name)

    @precondition(lambda self: self.told)
    @rule(which=recent)
    def an_alert_is_delivered_again(self, which: int) -> None:
        self.bot.deliver(self.told[-min(which, len(self.told))])

    def _hear(self, kind: Kind, name: str) -> None:
        ts = self.bot.slack.said_by_a_sender()
        said = Alert(kind, f"{name} down {HOSTILE}", "grafana", "critical", HOSTILE, (("container", name),))
        received = ReceivedAlert(f"C0ALERTS:{ts}:{kind.value}", Thread("C0ALERTS", ts), ts, said, self.stage.now())
        self.told.append(received)
        self.bot.deliver(received)

    # People.

    @precondition(lambda self: self.buttons)
    @rule(user=people, which=recent, times=st.sampled_from((1, 1, 1, 2)))
    def somebody_presses_restart(self, user: str, which: int, times: int) -> None:
        press = self._press("restart", user, which)
        if press:
            for _ in range(times):
                self.bot.begin("restart", lambda responder: responder.act(press))

    @precondition(lambda self: self.buttons)
    @rule(which=recent)
    def both_approvers_press_at_once(self, which: int) -> None:
        for user in APPROVERS:
            self.somebody_presses_restart(user, which, 1)

    @rule(
        fault=st.sampled_from(("", "", "", "", "", "", *docker.FAULTS[docker.RESTART])), order=choices, further=choices
    )
    def a_proposed_restart_is_approved(self, fault: str, order: list[int], further: list[int]) -> None:
        """Both press what stands on the newest card that waits; something may go wrong with the restart itself."""
        self.time_passes(order, 1.0)
        waiting = {row[0] for row in self.bot.rows("SELECT id FROM incidents WHERE state='PROPOSED'")}
        seen = [value for _, action, value in self.buttons if action == "restart"]
        newest = [at for at, value in enumerate(reversed(seen), 1) if value.split(":")[0] in waiting]
        if newest:
            if fault:
                self.stage.fail_next(docker.RESTART, fault)
            self.bot.approvers.users = APPROVERS
            self.somebody_presses_restart(APPROVERS[0], newest[0], 1)
            self.some_effects_happen(order)
            self.somebody_presses_restart(APPROVERS[1], newest[0], 1)
            self.time_passes(further, 1.0)

    @precondition(lambda self: self.buttons)
    @rule(user=people, which=recent)
    def somebody_ignores_it(self, user: str, which: int) -> None:
        press = self._press("ignore", user, which)
        if press:
            self.bot.begin("ignore", lambda responder: responder.ignore(press, "planned <!here>"))

    @precondition(lambda self: self.buttons)
    @rule(user=people, which=recent)
    def somebody_wants_a_fresh_look(self, user: str, which: int) -> None:
        press = self._press("rediagnose", user, which)
        if press:
            self.bot.begin("rediagnose", lambda responder: responder.rediagnose(press))

    @rule(user=people, name=names)
    def somebody_asks_for_a_diagnosis(self, user: str, name: str) -> None:
        self.bot.begin("diagnose", lambda responder: responder.diagnose(name, Thread("C0ALERTS"), user))

    @rule(left=st.sampled_from((APPROVERS, APPROVERS, APPROVERS, APPROVERS[:1], APPROVERS[1:], ())))
    def the_list_of_approvers_changes(self, left: tuple[str, ...]) -> None:
        self.bot.approvers.users = left

    @precondition(lambda self: self.bot.slack.cards())
    @rule(which=recent)
    def somebody_deletes_a_card(self, which: int) -> None:
        cards = self.bot.slack.cards()
        card = cards[-min(which, len(cards))]
        self.deleted |= {card["metadata"]["event_payload"]["incident"], card["ts"]}
        self.bot.slack.delete(card["ts"])

    def _press(self, action: str, user: str, which: int) -> Press | None:
        """Press a button that was on somebody's screen at some time: the newest, or an older one."""
        seen = [button for button in self.buttons if button[1] == action]
        if not seen:
            return None
        ts, _, value = seen[-min(which, len(seen))]
        incident, digest = value.split(":")[:2]
        thread = self.bot.slack.messages.get(ts, {}).get("thread_ts", "")
        return Press(user, "T0PLAY", Thread("C0ALERTS", thread), incident, digest, ts)

    # The host.

    @rule(name=names, what=st.sampled_from(("create", "restart", "pause", "stop", "die", "loop", "remove", "heal")))
    def something_happens_to_a_container(self, name: str, what: str) -> None:
        container = self.engine.containers.get(name)
        if container is None or what == "create":
            self.engine.create(name)
        elif what == "restart":
            self.engine.stopped(container)
            self.engine.started(container)
        elif what == "pause":
            container.status = "paused" if container.status == "running" else container.status
        elif what in ("stop", "die"):
            self.engine.stopped(container, 137 if what == "die" else 0)
        elif what == "loop":
            container.restart_count += 1
        elif what == "remove" and name in (ONE, TWO):
            kept = container.labels
            del self.engine.containers[name]
            self.gone = kept
        else:
            container.health = "healthy"

    @rule(cures=st.booleans(), long_log=st.booleans())
    def the_trouble_changes(self, cures: bool, long_log: bool) -> None:
        self.engine.cures, self.engine.long_log = cures, long_log

    @rule(fault=st.sampled_from(FAULTS))
    def something_fails_at_the_next_call(self, fault: tuple[str, str]) -> None:
        self.stage.fail_next(*fault)

    @rule(seconds=st.sampled_from((-120.0, -2.0, 2.0, 90.0, 601.0, 3601.0)))
    def the_clock_jumps(self, seconds: float) -> None:
        self.stage.jumped += seconds

    # How it goes on.

    @rule(order=choices)
    def some_effects_happen(self, order: list[int]) -> None:
        for choice in order:
            self.stage.proceed(choice)

    @rule(order=choices, seconds=st.sampled_from((0.0, 1.0, 7.0, 60.0)))
    def time_passes(self, order: list[int], seconds: float) -> None:
        chosen = iter(order)
        self.stage.wait(seconds, lambda: next(chosen, 0))

    @rule(order=choices)
    def it_is_killed_and_starts_again(self, order: list[int]) -> None:
        self.some_effects_happen(order)
        self.bot.kill()
        self.bot.start()

    @rule()
    def slack_connects_again(self) -> None:
        async def reconnected(_: Any) -> None:
            self.bot.outbox.wake()
            await self.bot.resume.catch_up()

        self.bot.begin("reconnected", reconnected)

    # What must hold.

    def _written(self, what: str, container: Container) -> None:
        """Hold a write against what is on disk at this very moment, right before it happens."""
        rows = self.bot.rows("SELECT id, body FROM incidents WHERE target=? AND state='ACTING'", container.name)
        incident, body = rows[0] if len(rows) == 1 else ("", "{}")
        stored = json.loads(body)
        approval = stored.get("approval") or {}
        pressed = self.bot.rows("SELECT person, digest FROM approvals WHERE incident=?", incident)
        counted = [press["user"] for press in (*stored.get("presses", ()), approval) if press]
        needed = 2 if container.name == TWO else 1
        seen = ((stored.get("evidence") or {}).get("facts") or {}).get("container_id")
        noted = self.bot.rows("SELECT said FROM audit WHERE kind='engine' AND incident=?", incident)
        self.writes[what, incident] += 1
        for promise, holds in {
            f"{container.name} is one that may be restarted": container.name in (ONE, TWO),
            "one incident of it is being restarted": len(rows) == 1,
            "it is the container that the card showed": seen == container.container_id,
            f"{needed} people agreed": len(set(counted)) == len(counted) == needed,
            "their presses are on disk": {(one, approval.get("digest")) for one in counted} <= set(pressed),
            "they were let in": set(counted) <= self.bot.approvers.let_in <= set(APPROVERS),
            "the trail tells of it": any(row[0].startswith(what) for row in noted),
            "it is done once": self.writes[what, incident] == 1,
            # What was sent may never have come; the container may have died by itself: nobody can tell that apart.
            "a start ends a restart that was sent": what == docker.RESTART
            or any(row[0].startswith(docker.RESTART) for row in noted),
        }.items():
            if not holds:
                self.stage.broken.append(f"{what} of {container.name} for {incident}: not so that {promise}")

    @invariant()
    def nothing_was_seen_to_be_wrong(self) -> None:
        assert self.stage.broken == []
        for ts, message in self.bot.slack.messages.items():
            for _, element in controls(list(message.get("blocks") or ())):
                if element["action_id"] in ("restart", "ignore", "rediagnose"):
                    self.buttons[ts, element["action_id"], element["value"]] = None

    @invariant()
    def no_more_restarts_than_approvals(self) -> None:
        approved = self.bot.rows("SELECT count(*) FROM audit WHERE kind='press' AND rule='approver'")
        assert self.engine.restarts <= approved[0][0]

    @invariant()
    def one_live_incident_a_target(self) -> None:
        live = self.bot.rows(f"SELECT target FROM incidents WHERE state IN {tuple(LIVE_STATES)}")
        assert len(live) == len(set(live))

    @invariant()
    def the_trail_holds(self) -> None:
        rows = self.stage.loop.run_until_complete(self._rows())
        assert self.trail.read(rows) == ""

    async def _rows(self) -> Any:
        with self.bot.store.unchosen():
            return await self.bot.store.trail(self.trail.count)

    @invariant()
    def the_runbook_can_be_read_and_tells_nothing_twice(self) -> None:
        if self.bot.runbook.exists():
            data = self.bot.runbook.read_bytes()
            told = [entry.id for entry in parse_runbook(data).entries]
            assert len(told) == len(set(told))
            assert web.SECRET.encode() not in data

    @invariant()
    def who_waits_can_be_seen(self) -> None:
        """A live incident that nobody works on waits for a person, and has its card, or what will put it up waits."""
        if self.stage.pending or len(self.bot.work) > parts.LASTING:
            return
        for incident, state, body in self.bot.rows(
            f"SELECT id, state, body FROM incidents WHERE state IN {tuple(LIVE_STATES)}"
        ):
            assert state == "PROPOSED", f"nobody goes on with {incident}, which is {state}"
            if self.bot.outbox._cards_missing:
                continue
            # A target that comes and goes keeps the card of an earlier incident, which somebody may have deleted.
            card = json.loads(body)["card"]
            stands = self.bot.slack.cards(incident) or card in self.bot.slack.messages
            assert stands or {incident, card} & self.deleted, f"nobody sees {incident}"

    def teardown(self) -> None:
        try:
            self._in_the_end()
        finally:
            logging.getLogger("bot").removeHandler(self.unexpected)
            self.bot.kill()
            self.stage.close()
            self.ending.close()

    def _in_the_end(self) -> None:
        """With all faults gone everything comes to its end, and everybody has heard it."""
        self.stage.heal()
        for received in list(self.bot.undelivered):
            self.bot.deliver(received)
        self.bot.rest()
        for _ in range(3):
            self.bot.kill()
            self.bot.start()
            self.bot.rest()
            self.stage.jumped += POLICY.expiry + 1
        self.nothing_was_seen_to_be_wrong()
        self.the_runbook_can_be_read_and_tells_nothing_twice()
        left = self.bot.rows("SELECT id, state FROM incidents")
        assert [one for one in left if one[1] in LIVE_STATES] == []
        assert self.bot.rows("SELECT key FROM alerts WHERE handled_at IS NULL") == []
        assert self.bot.rows("SELECT id, tries FROM outbox") == []
        assert (
            self.bot.rows(
                "SELECT id FROM incidents WHERE remembered=0 AND state IN ('RESOLVED', 'UNRESOLVED', 'IGNORED')"
            )
            == []
        )
        assert [card["ts"] for card in self.bot.slack.cards() if self.bot.slack.acts(card["ts"])] == []
        for what, count in Counter(state for _, state in left).items():
            event(f"{what}", count)
        event("restarts", self.engine.restarts)


TestIncidents = Incidents.TestCase
if settings.get_current_profile_name() != "torture":
    TestIncidents.settings = settings(max_examples=40, stateful_step_count=30, suppress_health_check=[*HealthCheck])
