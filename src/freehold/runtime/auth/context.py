"""What every endpoint needs: the services, the configuration, the mailer and a turn for sending mail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from freehold.runtime.auth.config import AuthConfig
from freehold.runtime.auth.providers.directory import Providers
from freehold.runtime.database import Connection, Pool
from freehold.runtime.mail.mailer import Mailer
from freehold.runtime.services import Services


@dataclass(frozen=True, slots=True)
class Auth:
    """Made once a process."""

    services: Services
    config: AuthConfig
    mailer: Mailer
    providers: Providers
    mail_turns: asyncio.Semaphore
    """Transactions that wait for a mail server; fewer than the pool has connections, so that sign-ins go on."""

    @property
    def pool(self) -> Pool:
        """Connections of the owner of schema auth."""
        return self.services.auth

    @contextlib.asynccontextmanager
    async def mailing_transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction that may send a mail: when the mail cannot be sent, nothing has happened."""
        async with self.mail_turns, self.pool.transaction() as connection:
            yield connection
