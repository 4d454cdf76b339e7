"""Page views and analytics: taken quickly, and kept by page only."""

from freehold.runtime.base44.context import Context
from freehold.runtime.base44.entities import number
from freehold.runtime.base44.http import Answer, Request, answer, plain
from freehold.runtime.base44.identity import Who

MOST_LINES = 1000


async def answer_logs(context: Context, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
    """/app-logs/{id}/...: one view in; the views, or their number by page, out for admins."""
    if request.method == "POST" and len(rest) > 1 and rest[0] == "log-user-in-app":
        await context.run(who, [("select base44.see($1)", ["/".join(rest[1:]).encode()])])
        return answer({"success": True})
    if request.method != "GET" or rest not in ((), ("stats",)):
        raise plain(404, "Not found")
    limit = str(min(number(request, "limit") or MOST_LINES, MOST_LINES)).encode()
    if rest:
        sql = (
            "select coalesce(json_object_agg(page, views), '{}') from"
            " (select page, count(*) as views from base44.views($1::integer) group by page) as v"
        )
    else:
        sql = (
            "select coalesce(json_agg(json_build_object('timestamp', at, 'page_name', page, 'user_id', person)), '[]')"
            " from base44.views($1::integer)"
        )
    (result,) = await context.run(who, [(sql, [limit])])
    return Answer(body=result.one()[0] or b"[]")
