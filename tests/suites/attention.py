"""attention.py DEFINITIONS SOLUTIONS DEVICE DRAW SEED: the native references of gqa_* and mla_* in
SOLUTIONS, run on DEVICE (cpu, cuda), against the definitions' own PyTorch on the CPU, on index
tensors with everything that a recipe leaves out: requests without queries or keys, more queries than
keys, queries of no request, pages shared, partial and empty. A line PASS or FAIL for each
definition, with the largest absolute and relative errors. The first definition of each reference
also gets hostile inputs. Exit status 1 when one failed.
"""

import ctypes
import json
import pathlib
import sys

import torch

import reference

# Queries and tokens of keys of the requests.
SHAPES = [(0, 3), (5, 0), (3, 3), (1, 70), (7, 2), (4, 9), (0, 0), (33, 130), (1, 1)]
RTOL = ATOL = 1e-2  # the bundled tolerances


def offsets(lengths):
    return torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()], dtype=torch.int32)


def indices(definition, seed):
    """The index inputs, and the var axes that follow from them."""
    generator = torch.Generator().manual_seed(seed)
    consts = {n: a["value"] for n, a in definition["axes"].items() if a["type"] == "const"}
    prefill = "qo_indptr" in definition["inputs"]
    shapes = SHAPES if prefill else [(1, keys) for _, keys in SHAPES]
    order = torch.randperm(len(shapes), generator=generator).tolist()
    queries, keys = zip(*(shapes[i] for i in order))
    made = {"qo_indptr": offsets(queries)} if prefill else {}
    axes = {"len_indptr": len(shapes) + 1, "batch_size": len(shapes), "total_q": sum(queries)}
    if "kv_indices" not in definition["inputs"]:
        made["kv_indptr"] = offsets(keys)
        return made, consts | axes | {"total_kv": sum(keys)}
    size = consts["page_size"]
    pages = [-(-k // size) for k in keys]
    made["kv_indptr"] = offsets(pages)
    count = sum(pages) + 3
    made["kv_indices"] = torch.randint(count, (sum(pages),), dtype=torch.int32, generator=generator)
    if "kv_last_page_len" in definition["inputs"]:
        last = [k - (p - 1) * size if p else 0 for k, p in zip(keys, pages)]
        if definition["inputs"]["kv_last_page_len"]["shape"] == ["len_indptr"]:
            last.append(7)  # no request's
        made["kv_last_page_len"] = torch.tensor(last, dtype=torch.int32)
    return made, consts | axes | {"num_pages": count, "num_kv_indices": sum(pages)}


def inputs_of(definition, draw_library, seed):
    """Inputs in order and the sizes of all axes. Scalars are Python's."""
    made, sizes = indices(definition, seed)
    inputs = {}
    for number, (name, spec) in enumerate(definition["inputs"].items()):
        if name in made:
            inputs[name] = made[name]
        elif spec["shape"] is None:
            inputs[name] = sizes.get("head_dim", 192) ** -0.5
        else:
            shape = [sizes[axis] for axis in spec["shape"]]
            inputs[name], _ = reference.draw(draw_library, seed, number, definition["op_type"], name,
                                             spec, shape)
    return inputs, sizes


def run_native(definition, shared_object, facts, inputs, sizes):
    arguments = [reference.as_argument(inputs[name], spec)
                 for name, spec in definition["inputs"].items()]
    outputs = [torch.full([sizes[axis] for axis in spec["shape"]], torch.nan,
                          dtype=getattr(torch, spec["dtype"])) for spec in definition["outputs"].values()]
    reference.call(shared_object, facts, arguments, outputs, sizes)
    return outputs


def compare(name, got, wanted):
    """(why `got` is not `wanted` or None, largest absolute and relative error). A row that sees no
    key is NaN in some definitions' PyTorch, a mean over nothing, and 0 in others: 0 is right."""
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        return f"{name}: expected {wanted.dtype}{list(wanted.shape)}", 0, 0
    a, b = got.double(), wanted.double().nan_to_num(nan=0, posinf=torch.inf, neginf=-torch.inf)
    same = torch.isinf(b) & (a == b)
    absolute = torch.where(same, 0, (a - b).abs())
    relative = absolute / (b.abs().nan_to_num(posinf=1) + 1e-8)
    wrong = torch.isnan(absolute) | (absolute > ATOL) & (relative > RTOL)
    worst = absolute.max().item(), relative.max().item()
    if not wrong.any():
        finite = ~torch.isinf(b)
        norm = ((a - b)[finite].norm() / b[finite].norm()).item()
        # Half of a rounding of the output's dtype, root mean square.
        limit = {torch.float32: 1e-5, torch.float16: 4e-4, torch.bfloat16: 3e-3}[got.dtype]
        if norm <= limit:
            return None, *worst
        return f"{name}: expected a relative L2 error <= {limit}, got {norm}", *worst
    at = tuple(wrong.nonzero()[0].tolist())
    return f"{name}: {int(wrong.sum())} of {wrong.numel()} elements are wrong, the first at {list(at)}: " \
           f"PyTorch {wanted[at].item()}, native {got[at].item()}", *worst


def judge(definition, shared_object, facts, draw_library, seed):
    inputs, sizes = inputs_of(definition, draw_library, seed)
    outputs = run_native(definition, shared_object, facts, inputs, sizes)
    scope = {}
    exec(compile(definition["reference"], definition["name"], "exec"), scope)
    wanted = scope["run"](*inputs.values())
    errors = []
    for name, a, b in zip(definition["outputs"], outputs, wanted):
        reason, absolute, relative = compare(name, a, b)
        if reason:
            return reason, errors
        errors.append(f"{name} {absolute:.1e} {relative:.1e}")
    return None, errors


def first_row_behind_an_even_page(inputs):
    """The last query of the first request that has queries and an even number of pages before."""
    pages = inputs["kv_indptr"].tolist()
    queries = inputs.get("qo_indptr", torch.arange(len(pages))).tolist()
    return next(queries[i + 1] - 1 for i in range(len(pages) - 1)
                if pages[i] % 2 == 0 and pages[i] < pages[i + 1] and queries[i] < queries[i + 1])


def judge_hostile(definition, shared_object, facts, draw_library, seed):
    """Offsets and pages that point anywhere: no crash, and a row that sees a page that does not
    exist is NaN."""
    inputs, sizes = inputs_of(definition, draw_library, seed)
    far = [-(2**31), -1, 2**31 - 1]
    for name in ("kv_indices", "kv_last_page_len", "kv_indptr", "qo_indptr"):
        for value in far:
            if name not in inputs:
                continue
            changed = inputs | {name: inputs[name].clone()}
            changed[name][::2] = value
            run_native(definition, shared_object, facts, changed, sizes)
            if name == "kv_indices":
                output = run_native(definition, shared_object, facts, changed, sizes)[0]
                row = first_row_behind_an_even_page(inputs)
                if not output[row].isnan().all():
                    return f"page {value}: expected NaN in row {row}, got {output[row].flatten()[0]}"
    return None


def described_family(facts):
    return facts["name"].removesuffix(facts["definition"])


def main(definitions, solutions, device, draw_path, seed):
    draw_library = ctypes.CDLL(draw_path)
    facts = reference.read_facts(solutions, device)
    failed, attacked = False, set()
    for path in sorted(pathlib.Path(definitions).rglob("*.json")):
        definition = json.loads(path.read_text())
        if definition["op_type"].split("_")[0] not in ("gqa", "mla"):
            continue
        name = definition["name"]
        if name not in facts:
            continue
        errors = []
        try:
            reason, errors = judge(definition, *facts[name], draw_library, seed)
            family = described_family(facts[name][1])
            if not reason and family not in attacked:
                attacked.add(family)
                reason = judge_hostile(definition, *facts[name], draw_library, seed)
        except Exception as error:  # whatever it is, it is this definition's
            reason = f"{type(error).__name__}: {error}"
        failed = failed or reason is not None
        print(f"FAIL attention/{name}/seed {seed}: {reason}" if reason
              else f"PASS attention/{name}/seed {seed}: {', '.join(errors)}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5], int(sys.argv[5])))
