"""Print how many tests of each kind ran; end with 1 when none did."""

import collections
import sys
import xml.etree.ElementTree as ElementTree

counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    parts = case.get("classname", "").split(".")
    kind = parts[1] if len(parts) > 1 and parts[0] == "tests" else "other"
    outcome = "skipped" if case.find("skipped") is not None else "passed"
    if case.find("failure") is not None or case.find("error") is not None:
        outcome = "failed"
    counts[kind][outcome] += 1
total: collections.Counter[str] = collections.Counter()
for kind, outcomes in sorted(counts.items()):
    print(f"{kind}: " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items())))
    total.update(outcomes)
print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
sys.exit(0 if total["passed"] else 1)
