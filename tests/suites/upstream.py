"""upstream.py: what flashinfer-bench makes of a dataset and traces of ours.

    upstream.py DATASET REPORT_JSON [SOLUTION...]

Loads DATASET (definitions/, workloads/, solutions/, traces/) with its TraceSet, lets its
`report summary` and `report best` speak and compares their words with report.json of tm-report, and
builds each SOLUTION with its own builder and calls it on the CPU for every workload, against the
definition's reference. One PASS or FAIL per check; names begin with upstream/.
"""

import argparse
import ast
import json
import logging
import pathlib
import re
import sys

import torch

import flashinfer_bench.cli.main as cli
from flashinfer_bench.data import TraceSet

failures = 0


def report(name, problem):
    global failures
    failures += bool(problem)
    print(f"FAIL upstream/{name}: {problem}" if problem else f"PASS upstream/{name}")


def rows(dataset, folder):
    return sum(
        len(path.read_text().splitlines()) for path in (dataset / folder).rglob("*.jsonl")
    )


def check_loads(dataset, traces):
    for name, got, expected in (
        ("definitions", len(traces.definitions), len(list((dataset / "definitions").rglob("*.json")))),
        ("solutions", sum(map(len, traces.solutions.values())), len(list((dataset / "solutions").rglob("*.json")))),
        ("workloads", sum(map(len, traces.workloads.values())), rows(dataset, "workloads")),
        ("traces", sum(map(len, traces.traces.values())), rows(dataset, "traces")),
    ):
        report(f"its loader reads all {name}", (got != expected or not got) and f"expected {expected}, got {got}")


def words(dataset, command):
    """What a command of `flashinfer-bench report` logs. Its own level leaves out all but warnings."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    cli.configure_logging(level="INFO", handler=handler)
    command(argparse.Namespace(local=[dataset], hub=False))
    return lines


def check_summary(dataset, ours):
    said = words(dataset, cli.summary)
    print("  flashinfer-bench report summary:", *said)
    theirs = ast.literal_eval(said[0])
    latencies = [cell["latency_ms"] for cell in ours["cells"] if cell["status"] == "PASSED"]
    totals = ours["totals"]
    expected = {
        "total": totals["passed"] + totals["failed"],
        "passed": totals["passed"],
        "failed": totals["failed"],
        "min_latency_ms": min(latencies),
        "max_latency_ms": max(latencies),
        "avg_latency_ms": sum(latencies) / len(latencies),
    }
    for key, value in expected.items():
        same = abs(theirs[key] - value) <= 1e-12 * abs(value)
        report(f"summary: {key}", not same and f"expected {value}, got {theirs[key]}")


def check_best(dataset, ours, names):
    said = words(dataset, cli.best)
    theirs, name = {}, None
    for line in said:
        if found := re.match(r"Best solution for (\S+):", line):
            name = found[1]
        elif found := re.match(r"- (Solution|Speedup): +(\S+?)×?$", line):
            theirs.setdefault(name, {})[found[1]] = found[2]
        elif found := re.match(r"No valid solution found for (\S+)\.$", line):
            theirs[found[1]] = None
    expected = dict.fromkeys(names)
    for definition in ours["definitions"]:
        best = definition["best_flashinfer"]
        expected[definition["name"]] = best and {
            "Solution": best["solution"],
            "Speedup": f"{best['speedup_factor']:.2f}",
        }
    print(f"  flashinfer-bench report best: {sum(map(bool, theirs.values()))} of {len(theirs)} definitions have one")
    different = [f"{n}: expected {expected.get(n)}, got {theirs.get(n)}" for n in {**expected, **theirs} if expected.get(n) != theirs.get(n)]
    report("best: of every definition the one of tm-report", "; ".join(different))


def inputs_of(definition, workload):
    values, shapes = [], definition.get_input_shapes(workload.axes)
    for (name, spec), shape in zip(definition.inputs.items(), shapes):
        given = workload.inputs.get(name)
        if given is None:
            values.append(None)
        elif given.type == "scalar":
            values.append(given.value)
        else:
            values.append(torch.randn(shape, dtype=getattr(torch, spec.dtype)))
    return values


def call_all(traces, name):
    """Builds a solution as flashinfer-bench does; what is wrong with it, or None."""
    from flashinfer_bench.compile.builders.tvm_ffi_builder import TVMFFIBuilder

    solution = traces.get_solution(name)
    definition = traces.definitions[solution.definition]
    built = TVMFFIBuilder()
    if not built.can_build(solution):
        return "its builder does not want it"
    runnable = built.build(definition, solution)
    space = {}
    exec(definition.reference, space)  # of the project's own tests
    rows = traces.workloads[definition.name]
    for row in rows:
        args = inputs_of(definition, row.workload)
        expected = space["run"](*args)
        outputs = [torch.zeros_like(tensor) for tensor in expected]
        runnable(*args, *outputs)
        for output, wanted in zip(outputs, expected):
            if not torch.allclose(output, wanted):
                return f"{row.workload.uuid}: expected {wanted}, got {output}"
    # The last row's arguments, each of them wrong in its own way.
    x, bias, scale, times = args
    y, sums = outputs
    for wrong, kind, text in (
        ((x, bias, scale, times, y), TypeError, "Expected 6 but got 5"),
        ((x.double(), bias, scale, times, y, sums), TypeError, "x: expected float32"),
        ((x, bias, scale, 1 << 40, y, sums), ValueError, "times: expected int32"),
        ((x, bias, scale, times, y[:0], sums), ValueError, "y: expected rows to be 1, got 0"),
        ((x, x, scale, times, y, sums), ValueError, "bias: expected 1 dimensions, got 2"),
        ((x, bias, scale, times, y, torch.zeros(6, dtype=sums.dtype)[::2]), ValueError, "sums: expected a contiguous"),
        ((x, bias, scale, 99, y, sums), RuntimeError, "the solution returned 3"),
    ):
        try:
            runnable(*wrong)
            return f"no error where \"{text}\" was expected"
        except Exception as error:
            if not isinstance(error, kind) or text not in str(error):
                return f"expected {kind.__name__} with \"{text}\", got {type(error).__name__}: {error}"
    return None


def main():
    dataset = pathlib.Path(sys.argv[1])
    ours = json.loads(pathlib.Path(sys.argv[2]).read_text())
    traces = TraceSet.from_path(str(dataset))
    check_loads(dataset, traces)
    check_summary(dataset, ours)
    check_best(dataset, ours, traces.definitions)
    for name in sys.argv[3:]:
        report(f"its builder builds {name}, and it computes what the reference does", call_all(traces, name))
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
