"""Users who never stop: pages, writes and open connections, while something is changed under them."""

import http.client
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit


@dataclass
class Load:
    """Asks an app all the time from several threads; every request that is not answered well is kept."""

    url: str
    key: str
    table: str = "notes"
    pause_seconds: float = 0.005
    """Between two requests of one kind."""
    answered: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        kinds = [self._pages, self._pages_kept, self._reads, self._writes, self._writes_kept]
        self._threads = [threading.Thread(target=self._keep, args=(kind,), daemon=True) for kind in kinds]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def _keep(self, kind: "object") -> None:
        connection = self._connection()
        while not self._stopped.wait(self.pause_seconds):
            try:
                connection = kind(connection)  # type: ignore[operator]
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{getattr(kind, '__name__', kind)}: {type(error).__name__} {error}")
                connection = self._connection()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)

    def _pages(self, _: http.client.HTTPConnection) -> http.client.HTTPConnection:
        return self._ask("page", self._connection(), "GET", "/", close=True)

    def _pages_kept(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        return self._ask("page on a kept connection", connection, "GET", "/")

    def _reads(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        return self._ask("read", connection, "GET", f"/rest/v1/{self.table}?limit=1")

    def _writes(self, _: http.client.HTTPConnection) -> http.client.HTTPConnection:
        return self._ask("write", self._connection(), "POST", f"/rest/v1/{self.table}", close=True)

    def _writes_kept(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        return self._ask("write on a kept connection", connection, "POST", f"/rest/v1/{self.table}")

    def _ask(
        self, kind: str, connection: http.client.HTTPConnection, method: str, path: str, *, close: bool = False
    ) -> http.client.HTTPConnection:
        body = json.dumps({"text": kind}) if method == "POST" else None
        headers = {"apikey": self.key, "content-type": "application/json", "accept": "*/*"}
        connection.request(method, path, body, headers | ({"connection": "close"} if close else {}))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            self.failures.append(f"{kind}: {answer.status} {text[:200]!r}")
        else:
            self.answered[kind] += 1
        if close:
            connection.close()
        return connection
