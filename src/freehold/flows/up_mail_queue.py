"""The mail queue of Lovable apps: the two steps that the builder applies outside the migrations, with our own key.

Its migration says so in its closing comment: a vault secret with the key that calls the function, and a job that calls
it when a queue holds something. Without them the app queues mails that nobody ever sends.
"""

from dataclasses import dataclass

from psycopg import sql

from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.flows.up_work import Work
from freehold.kit import postgres

FUNCTION = "process-email-queue"
SECRET = "email_queue_service_role_key"  # noqa: S105 - the secret's name
EVERY = "5 seconds"
_HAS_QUEUE = "select to_regclass('public.email_send_state') is not null"
_FIND = "select id from vault.secrets where name = %s"
_JOB = """
select net.http_post(
         url := {url},
         headers := jsonb_build_object(
           'Content-Type', 'application/json', 'Authorization', 'Bearer ' || decrypted_secret),
         body := '{{}}'::jsonb)
  from vault.decrypted_secrets
 where name = {secret}
   and not exists (select from public.email_send_state where retry_after_until > now())
   and exists (select from pgmq.metrics_all()
                where queue_name in ('auth_emails', 'transactional_emails') and queue_length > 0)
"""


@dataclass(frozen=True)
class WireMailQueue:
    """The key and the job; written anew at each start, because the app's address and key may have changed."""

    work: Work
    title: str = "Let the app's mail queue send"

    def done(self) -> bool:
        """Never: both statements overwrite what was there."""
        return False

    def run(self, _report: Report) -> None:
        """Store the key and schedule the job, as the role that owns the app's tables; nothing without the queue."""
        work = self.work
        owner = work.database.dsn(work.owner_role, work.keys.owner_password)
        wire(owner, url=work.url, service_role_jwt=Secret(work.keys.service_role_jwt))

    def undo(self) -> bool:
        """Nothing: the job does nothing while the queues are empty."""
        return False


def has_queue(work: Work) -> bool:
    """Whether the app brings the function that empties the queues."""
    return FUNCTION in work.function_names


def wire(owner_dsn: Secret, *, url: str, service_role_jwt: Secret) -> bool:
    """Store the key and schedule the job; False, and nothing done, in a database without the queue."""
    job = (
        sql.SQL(_JOB).format(url=sql.Literal(f"{url}/functions/v1/{FUNCTION}"), secret=sql.Literal(SECRET)).as_string()
    )
    with postgres.connect(owner_dsn) as owner:
        row = owner.execute(_HAS_QUEUE).fetchone()
        if row is None or not row[0]:
            return False
        found = owner.execute(_FIND, [SECRET]).fetchone()
        if found is None:
            owner.execute("select vault.create_secret(%s, %s)", [service_role_jwt.reveal(), SECRET])
        else:
            owner.execute("select vault.update_secret(%s, %s)", [found[0], service_role_jwt.reveal()])
        owner.execute("select cron.schedule(%s, %s, %s)", [FUNCTION, EVERY, job])
    return True
