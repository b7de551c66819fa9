"""Puts together what works on incidents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.incidents.approval import ApprovalCheck
from bot.incidents.closing import Closing
from bot.incidents.execution import Execution
from bot.incidents.intake import Intake
from bot.incidents.investigation import Investigator
from bot.incidents.recovery import RecoveryMonitor
from bot.incidents.replies import Replies
from bot.incidents.responder import Responder
from bot.incidents.resume import Resume
from bot.incidents.set_aside import Retrial
from bot.incidents.transitions import Transitions
from bot.incidents.triage import Triage
from bot.ports.database import Store
from bot.ports.engine import Engine
from bot.ports.escalator import Escalator
from bot.ports.http_probe import Prober
from bot.ports.runbook import Runbook
from bot.ports.slack import Approvers, Messenger
from bot.runtime import ResponseConfig, Runtime


@dataclass(frozen=True, slots=True)
class IncidentPath:
    """What answers alerts, requests and presses, and what goes on with unfinished ones after a start."""

    responder: Responder
    resume: Resume


class Edges(Protocol):
    """The edges over which incidents are worked on."""

    @property
    def containers(self) -> Engine: ...  # noqa: D102 - named by its type
    @property
    def store(self) -> Store: ...  # noqa: D102
    @property
    def memory(self) -> Runbook: ...  # noqa: D102
    @property
    def prober(self) -> Prober: ...  # noqa: D102
    @property
    def examination(self) -> Investigator: ...  # noqa: D102
    @property
    def plan(self) -> ResponseConfig: ...  # noqa: D102
    @property
    def world(self) -> Runtime: ...  # noqa: D102


def incident_path(edges: Edges, *, messenger: Messenger, approvers: Approvers, escalator: Escalator) -> IncidentPath:
    """Put together what works on incidents, over ``edges`` and what talks to people."""
    containers, store, plan, world = edges.containers, edges.store, edges.plan, edges.world
    transitions = Transitions(store=store, world=world)
    replies = Replies(store=store, messenger=messenger, world=world)
    closing = Closing(
        store=store,
        messenger=messenger,
        memory=edges.memory,
        containers=containers,
        transitions=transitions,
        replies=replies,
        escalator=escalator,
        world=world,
    )
    approval = ApprovalCheck(
        containers=containers,
        store=store,
        messenger=messenger,
        approvers=approvers,
        transitions=transitions,
        plan=plan,
        world=world,
    )
    intake = Intake(
        containers=containers, store=store, transitions=transitions, closing=closing, plan=plan, world=world
    )
    triage = Triage(
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        approval=approval,
        examination=edges.examination,
        alerts=intake,
        plan=plan,
        world=world,
    )
    execution = Execution(
        containers=containers,
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        watch=RecoveryMonitor(containers=containers, prober=edges.prober, plan=plan, world=world),
    )
    retrial = Retrial(
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        world=world,
    )
    resume = Resume(
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        triage=triage,
        execution=execution,
        retrial=retrial,
        plan=plan,
        world=world,
    )
    responder = Responder(
        containers=containers,
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        intake=intake,
        triage=triage,
        approval=approval,
        execution=execution,
        retrial=retrial,
        resume=resume,
        world=world,
    )
    return IncidentPath(responder, resume)
