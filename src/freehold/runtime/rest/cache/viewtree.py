"""Reading PostgreSQL's stored parse trees, for the table column that a view's column comes from.

`pg_rewrite.ev_action` is a nested text of `{NODE :field value}` and `(list)`. The outermost query's target list says
for every view column the relation and column it was taken from (`resorigtbl`, `resorigcol`; 0 when computed).
"""

import re

_TOKENS = re.compile(r"\\.|[{}()]|:targetList |:(resno|resorigtbl|resorigcol) (\d+)", re.DOTALL)
_LIST_DEPTH = 3
"""`({QUERY :targetList ({TARGETENTRY`: the list of queries, the query, the target list."""


def origins(tree: str) -> list[tuple[int, int, int]]:
    """Give (view column, relation oid, column) for every column of a view that is taken from a relation as it is."""
    found: list[tuple[int, int, int]] = []
    entry: dict[str, int] = {}
    depth = 0
    in_targets = False
    for match in _TOKENS.finditer(tree):
        part = match.group()
        if part in ("{", "("):
            depth += 1
        elif part in ("}", ")"):
            depth -= 1
            if in_targets and depth == _LIST_DEPTH and entry:
                found.append((entry.get("resno", 0), entry.get("resorigtbl", 0), entry.get("resorigcol", 0)))
                entry = {}
            if in_targets and depth < _LIST_DEPTH:
                break
        elif part == ":targetList " and depth == _LIST_DEPTH - 1:
            in_targets = True
        elif in_targets and depth == _LIST_DEPTH + 1 and match.group(1):
            entry[match.group(1)] = int(match.group(2))
    return [item for item in found if item[1] and item[2]]
