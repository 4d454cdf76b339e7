"""Base44's API as a source of records: cursor pages, within its limit of requests, tried again when it fails."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from freehold.core.errors import MoveFailed, SourceBroken
from freehold.core.secret import Secret
from freehold.kit import json_text

REQUESTS_A_MINUTE = 100
PAGE = 500
ID_PAGE = 5000
ATTEMPTS = 8
TIMEOUT_SECONDS = 60
LONGEST_PAUSE_SECONDS = 60.0
TRIED_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some records, and the cursor of the next ones; "" after the last."""

    records: tuple[dict[str, Any], ...]
    cursor: str


class Api:
    """One app's API. Nothing is written to it."""

    def __init__(
        self,
        address: str,
        app_id: str,
        key: Secret,
        *,
        requests_a_minute: int = REQUESTS_A_MINUTE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`key` is a workspace key (b44k_...) or an access token of the owner's."""
        self._base = f"{address.rstrip('/')}/api/apps/{app_id}"
        self._app_id = app_id
        self._key = key
        self._most = requests_a_minute
        self._wait = wait
        self._asked: deque[float] = deque()
        self.requests = 0

    @property
    def identity(self) -> str:
        """The app, wherever its API is."""
        return f"base44 {self._app_id}"

    @property
    def described(self) -> str:
        """For people."""
        return f"the app {self._app_id} at {self._base.partition('/api/')[0]}"

    @property
    def names(self) -> frozenset[str]:
        """None: it answers for entities that are named, and lists none."""
        return frozenset()

    def page(self, entity: str, *, since: str, cursor: str, fields: str = "") -> Page:
        """Give one page, oldest first; `since` begins at a date where the API ends lists too early."""
        query = {"limit": str(ID_PAGE if fields else PAGE), "sort": "created_date"}
        query |= {"q": json.dumps({"created_date": {"$gte": since}})} if since else {}
        query |= {"cursor": cursor} if cursor else {}
        query |= {"fields": fields} if fields else {}
        found = self._get(f"entities/{entity}/v2/list", query)
        if not isinstance(found, Mapping) or not isinstance(found.get("items"), list):
            raise SourceBroken(f"Base44 answered no page of {entity}", detail=str(found)[:300])
        more = found.get("has_more") and found.get("next_cursor")
        return Page(records=tuple(found["items"]), cursor=str(more or ""))

    def count(self, entity: str) -> int:
        """How many records there are."""
        found = self._get(f"entities/{entity}/count", {})
        if not isinstance(found, Mapping) or not isinstance(found.get("count"), int):
            raise SourceBroken(f"Base44 answered no number of {entity}", detail=str(found)[:300])
        return int(found["count"])

    def one(self, entity: str, identity: str) -> dict[str, Any] | None:
        """Give one record; None when it is gone."""
        found = self._get(f"entities/{entity}/{urllib.parse.quote(identity, safe='')}", {}, gone=None)
        return found if isinstance(found, dict) else None

    def _get(self, path: str, query: Mapping[str, str], *, gone: object = ...) -> Any:  # noqa: ANN401 - JSON
        address = f"{self._base}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        problem = ""
        for attempt in range(ATTEMPTS):
            self._keep_to_the_limit()
            pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2**attempt)
            try:
                return self._ask(address)
            except urllib.error.HTTPError as error:
                if error.code == 404 and gone is not ...:  # noqa: PLR2004 - not found
                    return gone
                if error.code not in TRIED_AGAIN:
                    raise _refused(path, error.code) from error
                problem = f"HTTP {error.code}"
                pause = _told(error.headers.get("retry-after"), pause)
            except (OSError, ValueError) as error:
                problem = str(error) or type(error).__name__
            self._wait(pause)
        raise MoveFailed(
            f"Base44 did not answer {path}, {ATTEMPTS} times",
            detail=problem,
            hint="run the same command again: it goes on where it stopped",
        )

    def _ask(self, address: str) -> Any:  # noqa: ANN401 - JSON
        key = self._key.reveal()
        own = {"api_key": key} if key.startswith("b44k_") else {"Authorization": f"Bearer {key}"}
        headers = {"X-App-Id": self._app_id, "Accept": "application/json", **own}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the owner's own address
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
            return json_text.read(answer.read())

    def _keep_to_the_limit(self) -> None:
        """Wait until a request may be sent without going over the limit of the last minute."""
        now = time.monotonic()
        while self._asked and now - self._asked[0] >= 60:  # noqa: PLR2004 - a minute
            self._asked.popleft()
        if len(self._asked) >= self._most:
            self._wait(60 - (now - self._asked[0]))
            self._asked.popleft()
        self._asked.append(time.monotonic())
        self.requests += 1


def _told(header: str | None, otherwise: float) -> float:
    return min(LONGEST_PAUSE_SECONDS, float(header)) if header and header.isdigit() else otherwise


def _refused(path: str, status: int) -> SourceBroken:
    words = "the key is not accepted" if status in (401, 403) else f"HTTP {status}"
    return SourceBroken(
        f"Base44 refuses {path}: {words}",
        hint="give a workspace key or an access token of the app's owner in FREEHOLD_BASE44_KEY",
    )
