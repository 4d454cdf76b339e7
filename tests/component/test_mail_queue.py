"""What Lovable applies outside the migrations, so that its mail queue sends: here with our own key and address."""

from freehold.core.secret import Secret
from freehold.flows import up_mail_queue
from freehold.kit import postgres
from freehold.testing.database import FreshDatabase

QUEUE = """
create table public.email_send_state (id int primary key default 1, retry_after_until timestamptz);
insert into public.email_send_state default values;
select pgmq.create('auth_emails'), pgmq.create('transactional_emails');
"""


def _requests(owner: Secret, prepare: str) -> list[tuple[str, str]]:
    """What the job asks for when it runs after `prepare`, in a transaction that is taken back."""
    with postgres.connect(owner) as connection, connection.transaction(force_rollback=True):
        connection.execute(prepare.encode())
        (job,) = connection.execute("select command from cron.job where jobname = 'process-email-queue'").fetchall()
        connection.execute(str(job[0]).encode())
        rows = connection.execute("select url, headers ->> 'Authorization' from net.http_request_queue").fetchall()
    return [(str(url), str(key)) for url, key in rows]


def test_the_job_calls_the_function_when_a_mail_waits_and_no_pause_was_asked_for(database: FreshDatabase) -> None:
    owner = Secret(database.owner_dsn)
    assert not up_mail_queue.wire(owner, url="http://127.0.0.1:1", service_role_jwt=Secret("old"))
    with postgres.connect(owner) as connection:
        connection.execute(QUEUE.encode())
    for port, key in ((1, "old"), (2, "new")):
        assert up_mail_queue.wire(owner, url=f"http://127.0.0.1:{port}", service_role_jwt=Secret(key))
    sent = "select pgmq.send('transactional_emails', '{}');"
    called = ("http://127.0.0.1:2/functions/v1/process-email-queue", "Bearer new")
    assert _requests(owner, "") == []
    assert _requests(owner, sent) == [called]
    assert _requests(owner, sent + "update public.email_send_state set retry_after_until = now() + '1 h'") == []
    with postgres.connect(owner) as connection:
        assert connection.execute("select count(*) from cron.job").fetchall() == [(1,)]
        assert connection.execute("select count(*) from vault.secrets").fetchall() == [(1,)]
