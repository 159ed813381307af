"""scores.py: what flashinfer-bench scores in a dataset, against what tm-report says.

    scores.py DATASET BEST_JSON RANK_JSON

DATASET is loaded with its TraceSet; the others are what `tm-report best|rank DATASET --json`
printed. One PASS, FAIL or SKIP per check; names begin with scores/.
"""

import json
import math
import sys

from flashinfer_bench.data import TraceSet

failures = 0
KEYS = {
    "avg_speedup": "mean",
    "definitions": "definitions",
    "workloads": "workloads",
    "success_rate": "success_rate",
    "win_rate": "win_rate",
}


def report(name, count, problems):
    global failures
    failures += bool(problems)
    for problem in problems[:5]:
        print(f"    {problem}")
    if problems:
        print(f"FAIL scores/{name}: {len(problems)} of {count} differ")
    elif count == 0:
        print(f"FAIL scores/{name}: nothing to compare")
    else:
        print(f"PASS scores/{name} ({count})")


def same(theirs, ours):
    return math.isclose(theirs, ours, rel_tol=1e-12, abs_tol=1e-15)


def check_best(traces, ours):
    ours = {definition["name"]: definition["best_flashinfer"] for definition in ours["definitions"]}
    count, problems = 0, []
    for name in traces.traces:
        theirs = traces.get_best_trace(name)
        speedup = theirs.evaluation.performance.speedup_factor if theirs else 0.0
        count += bool(theirs)
        if not speedup:  # without a timed reference we have none
            if ours[name] is not None:
                problems.append(f"{name}: expected none, got {ours[name]}")
            continue
        if ours[name] is None:
            problems.append(f"{name}: expected {theirs.solution}, got none")
            continue
        expected = {
            "solution": theirs.solution,
            "author": traces.get_solution(theirs.solution).author,
            "uuid": theirs.workload.uuid,
        }
        for key, value in expected.items():
            if ours[name][key] != value:
                problems.append(f"{name}: {key}: expected {value}, got {ours[name][key]}")
        for key in ("latency_ms", "reference_latency_ms", "speedup_factor"):
            value = getattr(theirs.evaluation.performance, key)
            if not same(value, ours[name][key]):
                problems.append(f"{name}: {key}: expected {value}, got {ours[name][key]}")
        for key in ("max_absolute_error", "max_relative_error"):
            value = getattr(theirs.evaluation.correctness, key)
            if not same(value, ours[name][key]):
                problems.append(f"{name}: {key}: expected {value}, got {ours[name][key]}")
    report("best trace of each definition", count, problems)


def differences(name, theirs, ours):
    """Of one score; None is one that there is not."""
    if theirs is None:
        return [f"{name}: expected none, got {ours}"] if ours["definitions"] else []
    return [
        f"{name}: {key}: expected {getattr(theirs, key)}, got {ours[own]}"
        for key, own in KEYS.items()
        if not same(getattr(theirs, key), ours[own])
    ]


def check_solutions(traces, ours):
    count, problems = 0, []
    for solution in ours["solutions"]:
        if solution["author"] == "baseline":
            continue
        try:
            theirs = traces.get_solution_score(solution["solution"])
        except ValueError:  # not exactly one baseline
            theirs = None
        count += theirs is not None
        problems += differences(solution["solution"], theirs, solution["over_baseline"])
    report("each solution over the baseline", count, problems)


def check_authors(traces, ours):
    authors = {author["name"]: author["over_baseline"] for author in ours["authors"]}
    order = [author["name"] for author in ours["authors"] if author["name"] != "baseline"]
    theirs = traces.rank_authors()
    problems = []
    for name, score in theirs:
        problems += differences(name, score, authors[name])
    report("each author over the baseline", len(theirs), problems)
    ranked = [name for name, _ in theirs]
    got = [name for name in order if name in ranked]
    report("order of the authors", len(ranked), [f"expected {ranked}, got {got}"] if got != ranked else [])


def main():
    dataset, best, rank = sys.argv[1:]
    traces = TraceSet.from_path(dataset)
    # What has no trace is not known to tm-report, and no baseline: a dataset has one per hardware.
    ran = {trace.solution for rows in traces.traces.values() for trace in rows}
    for name in traces.solutions:
        traces.solutions[name] = [one for one in traces.solutions[name] if one.name in ran]
    with open(best, encoding="utf-8") as file:
        check_best(traces, json.load(file))
    with open(rank, encoding="utf-8") as file:
        ours = json.load(file)
    if hasattr(traces, "rank_authors"):
        check_solutions(traces, ours)
        check_authors(traces, ours)
    else:
        print("SKIP scores/over the baseline: this flashinfer_bench has no rank_authors; its main branch has")
    return bool(failures)


sys.exit(main())
