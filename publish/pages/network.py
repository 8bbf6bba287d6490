#!/usr/bin/env python3
"""Adds up every interval and every contradiction of network.json again.

Python's standard library only: python3 data/network.py
"""
import json
import os
import sys

path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "network.json")
with open(path, encoding="utf-8") as f:
    case = json.load(f)
facts = {k["id"]: k for k in case["network"]["constraints"]}
faults, sums = [], 0


def walk(at, links, may):
    """Follows a chain from a point; a max leads from->to, a min back."""
    total = 0
    for link in links:
        k = facts[link["constraint"]]
        if link["side"] == "max":
            a, b, ms = k["from"], k["to"], k["max"]
        else:
            a, b, ms = k["to"], k["from"], -k["min"]
        if a != at or not may(k):
            faults.append("%s cannot be used at %s" % (k["id"], at))
        at, total = b, total + ms
    return at, total


for view in case["views"]:
    def may(k, who=view["account"], out=view["disputed"]):
        return k["id"] not in out and (not k.get("accounts") or who in k["accounts"])
    for b in view["bounds"]:
        for bound, want, got in (
            (b["max"], (b["point"], b["max"]), walk("z", b.get("max_proof", []), may)),
            (b["min"], ("z", -(b["min"] or 0)), walk(b["point"], b.get("min_proof", []), may)),
        ):
            if bound is not None:
                sums += 1
                if got != want:
                    faults.append("%s %s: %s is not %s" % (view["account"] or "shared", b["point"], got, want))
for c in case["conflicts"]:
    first = facts[c["cycle"][0]["constraint"]]
    start = first["from" if c["cycle"][0]["side"] == "max" else "to"]
    sums += 1
    if walk(start, c["cycle"], lambda k: True) != (start, c["slack_ms"]) or c["slack_ms"] >= 0:
        faults.append("%s does not come round short" % ", ".join(c["constraints"]))
print("\n".join(faults) or "OK: %d sums added up again" % sums)
sys.exit(1 if faults else 0)
