"""Run a plan: skip what is done, undo newest first on failure. To resume, run it again."""

from freehold.core.event import Event
from freehold.core.plan import Plan, Report, Step
from freehold.engine.journal import Journal


def apply(plan: Plan, report: Report, journal: Journal | None = None) -> None:
    """Run every step of `plan` that is not done. Without a journal somebody else keeps what was done.

    The first error undoes the steps that ran in this call, newest first, and is raised again. A step that was
    already done is never undone.
    """
    ran: list[Step] = []
    _write(journal, "plan", plan.purpose)
    try:
        for number, step in enumerate(plan.steps, start=1):
            if step.done():
                report(Event(name="step-skipped", text=step.title, values={"step": number, "of": len(plan.steps)}))
                continue
            report(Event(name="step-started", text=step.title, values={"step": number, "of": len(plan.steps)}))
            _write(journal, "started", step.title)
            ran.append(step)
            step.run(report)
            _write(journal, "finished", step.title)
    except BaseException as error:
        _write(journal, "failed", type(error).__name__)
        _undo(ran, report, journal)
        raise
    _write(journal, "applied", plan.purpose)


def _undo(ran: list[Step], report: Report, journal: Journal | None) -> None:
    for step in reversed(ran):
        if step.undo():
            report(Event(name="step-undone", text=step.title))
            _write(journal, "undone", step.title)


def _write(journal: Journal | None, act: str, what: str) -> None:
    if journal is not None:
        journal.write(act, what)
