"""The leader's scheduler: starts each job of cron.job when it is due, as the role that scheduled it."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import conninfo
from psycopg.pq import ExecStatus

from freehold.core.secret import Secret
from freehold.runtime.database import Pool
from freehold.runtime.jobs import schedule
from freehold.runtime.jobs.schedule import AtStart, Every, Times

TICK_SECONDS = 0.5
RUNNING_AT_ONCE = 8
FORGET_EVERY = timedelta(hours=1)
LOCK_CLASS = 1_179_798_356
"""One advisory lock a job, in the job's own session: a job whose worker died is not run beside its remains."""
CONNECT_SECONDS = 10
_JOBS = """
select jobid, schedule, command, username, extract(epoch from last_start),
       extract(epoch from clock_timestamp()), extract(epoch from pg_postmaster_start_time())
  from freehold_worker.jobs()
"""
_log = logging.getLogger("freehold.cron")


@dataclass(frozen=True, slots=True)
class Job:
    """A row of cron.job, and when it was started last."""

    id: int
    schedule: str
    command: str
    username: str
    last_start: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """PostgreSQL's clock, so that every worker has the same."""

    now: datetime
    server_started: datetime

    @property
    def minute(self) -> datetime:
        """The running minute's beginning."""
        return self.now.replace(second=0, microsecond=0)


class Cron:
    """The duty `run`."""

    def __init__(self, pool: Pool, dsn: Secret) -> None:
        """`dsn` logs in as the owner of the app's schema: the role that jobs belong to."""
        self._pool = pool
        self._dsn = dsn
        self._login = conninfo.conninfo_to_dict(dsn.reveal()).get("user", "")
        self._known: dict[tuple[int, str], datetime] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._forgotten_at: datetime | None = None

    async def run(self) -> None:
        """Start what is due, for as long as this process leads."""
        await self._pool.run([("select freehold_worker.close_runs()", ())])
        self._known = {}
        first = True
        try:
            while True:
                jobs, moment = await self._jobs()
                for job in jobs:
                    if self._is_due(job, moment, first=first) and job.id not in self._running:
                        self._start(job)
                first = False
                await self._forget(moment)
                await asyncio.sleep(TICK_SECONDS)
        finally:
            await self._end_all()

    async def _jobs(self) -> tuple[list[Job], Moment]:
        clock = "select extract(epoch from clock_timestamp()), extract(epoch from pg_postmaster_start_time())"
        found, times = await self._pool.run([(_JOBS, ()), (clock, ())])
        jobs = [
            Job(
                int(row[0] or 0),
                (row[1] or b"").decode(),
                (row[2] or b"").decode(),
                (row[3] or b"").decode(),
                _time(row[4]) if row[4] else None,
            )
            for row in found.rows
        ]
        now, started = times.one()
        return jobs, Moment(_time(now or b"0"), _time(started or b"0"))

    def _is_due(self, job: Job, moment: Moment, *, first: bool) -> bool:
        """Decide on one job. What was missed while nobody led is not made up for; nothing starts twice in a minute."""
        known = self._known.setdefault((job.id, job.schedule), moment.now)
        try:
            plan = schedule.read(job.schedule)
        except ValueError:  # the database refuses these when a job is made; a restored one may be older than the rule
            return False
        since = job.last_start
        if isinstance(plan, AtStart):
            return since is None or since < moment.server_started
        if isinstance(plan, Every):
            return (since or known) + plan.interval <= moment.now
        return self._is_minute(plan, moment, since, known, first=first)

    @staticmethod
    def _is_minute(plan: Times, moment: Moment, since: datetime | None, known: datetime, *, first: bool) -> bool:
        if not plan.matches(moment.now):
            return False
        if since is not None and since >= moment.minute:
            return False
        # A job made in the middle of a minute waits for the next; one that has run before is only new to this leader.
        return known < moment.minute or (since is not None and first)

    def _start(self, job: Job) -> None:
        if len(self._running) >= RUNNING_AT_ONCE:
            _log.warning("job %d waits: %d jobs run already", job.id, RUNNING_AT_ONCE)
            return
        task = asyncio.create_task(self._run_one(job))
        self._running[job.id] = task
        task.add_done_callback(lambda done: self._ended(job, done))

    def _ended(self, job: Job, task: "asyncio.Task[None]") -> None:
        self._running.pop(job.id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.warning("job %d could not be run: %s", job.id, task.exception())

    async def _run_one(self, job: Job) -> None:
        if job.username != self._login:
            reason = (
                f'jobs run as "{self._login}", the owner of the app\'s schema; this one belongs to "{job.username}"'
            )
            run = await self._record_start(job, 0)
            await self._record_end(run, "failed", reason)
            return
        name = f"freehold cron {job.id}"
        dsn = conninfo.make_conninfo(self._dsn.reveal(), connect_timeout=CONNECT_SECONDS, application_name=name)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            cursor = await connection.execute("select pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, job.id % 2**31))
            row = await cursor.fetchone()
            if row is None or not row[0]:
                return
            run = await self._record_start(job, connection.info.backend_pid)
            outcome, message = "failed", "canceled: the server stops"
            try:
                outcome, message = await _outcome(connection, job.command)
            finally:
                await asyncio.shield(self._record_end(run, outcome, message))

    async def _record_start(self, job: Job, pid: int) -> bytes:
        sql = "select freehold_worker.job_started($1, $2, $3, $4)"
        values = (b"%d" % job.id, b"%d" % pid, job.command.encode(), job.username.encode())
        return (await self._pool.run([(sql, values)]))[0].one()[0] or b""

    async def _record_end(self, run: bytes, outcome: str, message: str) -> None:
        sql = "select freehold_worker.job_ended($1, $2, $3)"
        await self._pool.run([(sql, (run, outcome.encode(), message.replace("\0", "").encode()))])

    async def _forget(self, moment: Moment) -> None:
        if self._forgotten_at is None or moment.now - self._forgotten_at > FORGET_EVERY:
            self._forgotten_at = moment.now
            for name in ("forget_runs", "forget_responses", "forget_broadcasts"):
                await self._pool.run([(f"select freehold_worker.{name}()", ())])

    async def _end_all(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(connection: "psycopg.AsyncConnection[tuple[object, ...]]", command: str) -> tuple[str, str]:
    """Run a command, which may be several statements; say how it ended in pg_cron's words."""
    try:
        cursor = await connection.execute(command.encode())
        while cursor.nextset():
            pass
    except psycopg.Error as error:
        return "failed", f"ERROR: {error.diag.message_primary or str(error).strip()}"
    result = cursor.pgresult
    if result is not None and result.status == ExecStatus.TUPLES_OK:
        return "succeeded", f"{result.ntuples} row{'' if result.ntuples == 1 else 's'}"
    return "succeeded", cursor.statusmessage or ""


def _time(seconds: bytes) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
