"""Pages of a list: which one is asked for, and where the others are."""

from urllib.parse import urlencode

from freehold.runtime.auth.errors import invalid
from freehold.runtime.auth.http import Request

PER_PAGE = 50
MOST_PER_PAGE = 1000


def paging(request: Request) -> tuple[int, int]:
    """Give the number of the page that is asked for, and how many stand on one. Raises ApiError."""
    try:
        page = int(request.query.get("page") or "1")
        per_page = int(request.query.get("per_page") or PER_PAGE)
    except ValueError as error:
        raise invalid(f"Bad Pagination Parameters: {error}") from error
    if page < 1 or per_page < 1:
        raise invalid("Bad Pagination Parameters: page and per_page start at 1")
    return page, min(per_page, MOST_PER_PAGE)


def page_headers(request: Request, page: int, per_page: int, total: int) -> tuple[tuple[str, str], ...]:
    """Give Link, with the next page and the last, and X-Total-Count."""
    pages = -(-total // per_page)

    def link(number: int, relation: str) -> str:
        query = urlencode(sorted((dict(request.query) | {"page": str(number)}).items()))
        return f'<{request.path}?{query}>; rel="{relation}"'

    links = [link(page + 1, "next")] if pages > page else []
    return (("link", ", ".join([*links, link(pages, "last")])), ("x-total-count", str(total)))
