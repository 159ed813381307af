"""references.py DEFINITIONS WORKLOADS CPU_SOLUTIONS SOLUTIONS DEVICE DRAW TM_BLOBS SEED WHAT
BYTES OPERATIONS SECONDS: each native reference in SOLUTIONS, run on DEVICE (cpu, cuda), against the
definition's PyTorch and against the one in CPU_SOLUTIONS, on the same inputs. A line PASS, FAIL or
SKIP for each definition and size:

    elements; by PyTorch: largest absolute and relative error, matched ratio; by the CPU: the same

WHAT is small (the sizes of tests/suites/reference.py, odd ones, with its variants) or rows: of the
definition's rows the largest, by operations, that has at most BYTES and OPERATIONS and for which
PyTorch takes at most SECONDS; and one in the middle of those below. PASS is by the rule that a cell
is judged by. A line NOTE names what is further from PyTorch than a rounding. Exit status 1 when one
failed.
"""

import ctypes
import json
import math
import pathlib
import signal
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "suites"))
import reference  # noqa: E402

RTOL = ATOL = 1e-2
CHUNK = 1 << 24  # elements that are compared at a time
SAMPLES = 0.999  # the same draws on every device, but for a probability that is rounded otherwise
SELECTED = 0.99  # nearly equal scores may be ordered otherwise


class Slow(Exception):
    pass


class Difference:
    """What two sides' outputs, all of them, come to."""

    def __init__(self):
        self.elements, self.absolute, self.relative, self.matched = 0, 0.0, 0.0, 1.0
        self.has_errors = True
        self.is_known = True

    def add(self, got, wanted, no_nan):
        if got.shape != wanted.shape or got.dtype != wanted.dtype:
            raise RuntimeError(f"expected {wanted.dtype}{list(wanted.shape)}, got {got.dtype}"
                               f"{list(got.shape)}")
        bad = 0
        for a, b in zip(got.reshape(-1).split(CHUNK), wanted.reshape(-1).split(CHUNK)):
            a, b = a.double(), b.double()
            if no_nan:
                b = b.nan_to_num(nan=0, posinf=math.inf, neginf=-math.inf)
            same = (a == b) | (a.isnan() & b.isnan())
            absolute = (a - b).abs().masked_fill(same, 0).nan_to_num(nan=math.inf)
            relative = (absolute / (b.abs() + 1e-8)).nan_to_num(nan=math.inf)
            wrong = (absolute > ATOL) & (relative > RTOL) if got.is_floating_point() else ~same
            bad += int(wrong.sum())
            if a.numel():
                self.absolute = max(self.absolute, absolute.max().item())
                self.relative = max(self.relative, relative.max().item())
        self.elements += got.numel()
        if got.numel():
            self.matched = min(self.matched, 1 - bad / got.numel())

    def __str__(self):
        if not self.is_known:
            return "by a rule of its own"
        if not self.has_errors:
            return f"- - {self.matched:.6f}"
        return f"{self.absolute:.1e} {self.relative:.1e} {self.matched:.6f}"


def operations(definition, sizes):
    """About how many a call needs; 0 where bytes decide."""
    kind, of = definition["op_type"], sizes.get
    if kind == "gemm":
        return 2 * sizes["M"] * sizes["N"] * sizes["K"]
    if kind == "moe":
        return 6 * sizes["hidden_size"] * sizes["intermediate_size"] * sizes["seq_len"]
    if not kind.startswith(("gqa", "mla")):
        return 0
    keys = of("num_kv_indices", 0) * of("page_size", 1) + of("total_kv", 0)
    per_request = keys / max(1, of("len_indptr", 2) - 1)
    pairs = of("total_q", 0) * min(2 * per_request, keys) if "total_q" in sizes else keys
    size = 4 * of("head_dim", 0) or 4 * of("head_dim_ckv", 192) + 2 * of("head_dim_kpe", 0)
    return pairs * sizes["num_qo_heads"] * size


def read_rows(workloads):
    rows = {}
    for path in pathlib.Path(workloads).rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            if line.strip():
                row = json.loads(line)
                rows.setdefault(row["definition"], []).append(row["workload"])
    return rows


def fitting_rows(definition, rows, most_bytes, most_operations):
    """(sizes, row), the smallest first."""
    fitting = []
    for row in rows:
        sizes = {name: axis.get("value", row["axes"].get(name))
                 for name, axis in definition["axes"].items()}
        size, work = reference.count_bytes(definition, sizes), operations(definition, sizes)
        if definition["op_type"] == "sampling":  # its judge repeats the batch
            size *= 1 + next(copies for most, copies in reference.reference_sampling.SAMPLES.items()
                             if sizes["vocab_size"] <= most)
        if size <= most_bytes and work <= most_operations:
            fitting.append((work, size, row["uuid"], sizes, row))
    return [(sizes, row) for _, _, _, sizes, row in sorted(fitting, key=lambda one: one[:3])]


def set_scalars(definition, inputs, row):
    """Scalars have the row's values."""
    for at, name in enumerate(definition["inputs"]):
        source = row["inputs"].get(name, {})
        if source.get("type") == "scalar":
            inputs[at] = source["value"]


def run_pytorch(definition, inputs, device, seconds):
    """Outputs on the CPU. A reference that makes tensors elsewhere than its inputs are runs there."""
    def stop(*_):
        raise Slow

    signal.signal(signal.SIGALRM, stop)
    for there in dict.fromkeys([device, "cpu"]):
        moved = [value.to(there, copy=True) if isinstance(value, torch.Tensor) else value
                 for value in inputs]
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            wanted = reference.run_pytorch(definition, moved)
            return [value.to("cpu") for value in wanted]
        except Slow:
            raise
        except Exception as error:
            if there == "cpu":
                raise
            print(f"     PyTorch of {definition['name']} on {there}: {str(error).splitlines()[0]}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    raise AssertionError("the CPU is among them")


class Pair:
    """A reference as it is compiled for the CPU, and for the device."""

    def __init__(self, definition, on_cpu, on_device):
        self.definition, self.on_cpu, self.on_device = definition, on_cpu, on_device

    def call(self, inputs, sizes):
        """Outputs of the device and of the CPU."""
        return [reference.run_native(self.definition, *side, inputs, sizes)
                for side in (self.on_device, self.on_cpu)]


def judge_special(pair, special, inputs, sizes):
    """Samples and selected indices: (why they are wrong or None, differences)."""
    definition, wanted, other = pair.definition, Difference(), Difference()
    wanted.is_known = other.has_errors = False

    def native(named, axes):
        ours, theirs = pair.call(list(named.values()), {**sizes, **axes})
        for a, b in zip(ours, theirs):
            is_indices = definition["op_type"] != "sampling"
            other.add(*((a.sort().values, b.sort().values) if is_indices else (a, b)), False)
        return ours

    reason = special(definition, native,
                     lambda named: reference.run_pytorch(definition, list(named.values())),
                     dict(zip(definition["inputs"], inputs)))
    wanted.elements = other.elements
    least = SAMPLES if definition["op_type"] == "sampling" else SELECTED
    if not reason and other.matched < least:
        reason = f"expected {least} of the elements to be the CPU's, got {other.matched}"
    return reason, wanted, other


def judge(pair, inputs, sizes, device, seconds, notes):
    """(why it failed or None, difference to PyTorch, difference to the CPU)."""
    definition = pair.definition
    for key, special in reference.JUDGES.items():
        if definition["op_type"] == key or definition["name"].startswith(key):
            return judge_special(pair, special, inputs, sizes)
    ours, theirs = pair.call(inputs, sizes)
    wanted = run_pytorch(definition, inputs, device, seconds)
    if len(wanted) != len(ours):
        return f"expected {len(ours)} outputs from PyTorch, got {len(wanted)}", None, None
    # A row of attention that sees no key is NaN in some definitions' PyTorch; 0 is right.
    no_nan = definition["op_type"].startswith(("gqa", "mla"))
    by_pytorch, by_cpu = Difference(), Difference()
    for name, a, b, right in zip(definition["outputs"], ours, theirs, wanted):
        by_pytorch.add(a, right, no_nan)
        by_cpu.add(a, b, False)
        if notes is not None:
            strict = reference.compare(name, a, right)
            if strict:
                notes.append(strict)
    least = 0.95 if definition["op_type"] == "moe" else 1
    for which, difference in (("PyTorch", by_pytorch), ("the CPU", by_cpu)):
        if difference.matched < least:
            return f"{difference.matched:.6f} of the elements match {which}", by_pytorch, by_cpu
    return None, by_pytorch, by_cpu


def small_inputs(definition, facts, draw_library, tm_blobs, seed):
    """(name, sizes, inputs) of the sizes and variants of tests/suites/reference.py."""
    constants = facts["constants"] and definition["op_type"] != "moe"
    for sizes in reference.all_sizes(definition):
        shown = ",".join(f"{name}={value}" for name, value in sizes.items()
                         if "value" not in definition["axes"][name]) or "const"
        for scale in [1, reference.SCALE] if constants else [1]:
            inputs = list(reference.make_inputs(definition, sizes, draw_library, tm_blobs, seed, scale))
            yield shown + (" scaled" if scale != 1 else ""), sizes, inputs
        for number, variant in enumerate(reference.of(reference.VARIANTS, definition, []), 1):
            inputs = list(reference.make_inputs(definition, sizes, draw_library, tm_blobs, seed, 1))
            given = dict(zip(definition["inputs"], inputs))
            given |= variant(given)
            yield f"{shown} variant {number}", sizes, list(given.values())


def report(name, seed, reason, by_pytorch, by_cpu, notes, seconds):
    found = f"{by_pytorch.elements}; PyTorch {by_pytorch}; CPU {by_cpu}" if by_pytorch else "-"
    print(f"{'FAIL' if reason else 'PASS'} {name}/seed {seed}: {reason + ': ' if reason else ''}"
          f"{found} ({seconds:.1f} s)", flush=True)
    for note in notes or []:
        print(f"NOTE {note}")
    return reason is None


def judge_one(name, pair, inputs, sizes, seed, device, seconds, notes):
    """Whether it was good; None when PyTorch is too slow."""
    begin = time.monotonic()
    reason = by_pytorch = by_cpu = None
    try:
        reason, by_pytorch, by_cpu = judge(pair, inputs, sizes, device, seconds, notes)
    except Slow:
        print(f"     {name}: PyTorch takes more than {seconds} s", flush=True)
        return None
    except Exception as error:  # whatever it is, it is this definition's
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return report(name, seed, reason, by_pytorch, by_cpu, notes, time.monotonic() - begin)


def judge_rows(definition, pair, fitting, make, seed, device, seconds):
    """A large row, then a middle one of those below it; how many were judged, and were not good."""
    judged = bad = 0
    at = len(fitting) - 1
    while at >= 0 and judged < 2:
        sizes, row = fitting[at]
        inputs = make(sizes)
        set_scalars(definition, inputs, row)
        axes = ",".join(f"{key}={value}" for key, value in row["axes"].items())
        good = judge_one(f"rows/{definition['name']}/{row['uuid']} {axes}", pair, inputs, sizes, seed,
                         device, seconds, None)
        judged += good is not None
        bad += good is False
        at = at // 2 if at > 0 else -1
    return judged, bad


def main(definitions, workloads, cpu_solutions, solutions, device, draw_path, tm_blobs, seed, what,
         most_bytes, most_operations, seconds):
    # PyTorch sums float16 and bfloat16 products in parts that it rounds, unless it is told not to.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    draw_library = ctypes.CDLL(draw_path)
    on_cpu = reference.read_facts(cpu_solutions, "cpu")
    on_device = reference.read_facts(solutions, device)
    rows = read_rows(workloads)
    seed, seconds, failed = int(seed), float(seconds), 0
    for path in sorted(pathlib.Path(definitions).rglob("*.json")):
        whole = json.loads(path.read_text())
        name = whole["name"]
        if name not in on_device or name not in on_cpu:
            continue
        definition = reference.reduced(whole) if what == "small" else whole
        pair = Pair(definition, on_cpu[name], on_device[name])
        try:
            if what == "small":
                for shown, sizes, inputs in small_inputs(definition, pair.on_device[1], draw_library,
                                                           tm_blobs, seed):
                    failed += judge_one(f"small/{name}/{shown}", pair, inputs, sizes, seed, "cpu",
                                        60, []) is not True
                continue
            fitting = fitting_rows(definition, rows.get(name, []), float(most_bytes),
                                   float(most_operations))
            judged, bad = judge_rows(
                definition, pair, fitting,
                lambda sizes, of=definition: list(
                    reference.make_inputs(of, sizes, draw_library, tm_blobs, seed, 1)),
                seed, device, seconds)
            failed += bad
            if not judged:
                count = len(rows.get(name, []))
                print(f"SKIP rows/{name}: " + (f"none of its {count} rows is small enough" if count
                                               else "it has no rows"), flush=True)
        except Exception as error:  # of the inputs: this definition's
            print(f"FAIL {what}/{name}/seed {seed}: {type(error).__name__}: {error}", flush=True)
            failed += 1
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
