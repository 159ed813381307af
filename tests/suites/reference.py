"""reference.py DEFINITIONS SOLUTIONS DEVICE DRAW TM_BLOBS SEED [BYTES]: each native reference in
SOLUTIONS, run on DEVICE (cpu, cuda), against the PyTorch `reference` of its definition on the CPU, a
line PASS or FAIL for each and size, SKIP where there is no native reference or the tensors have more
than BYTES. DRAW is harness/random_fill.c as a shared object; inputs that are indices come from
TM_BLOBS. Exit status 1 when one failed.

Mixtures of experts of more than hidden size 512 are judged at a smaller one.

To add a family: its sizes to SIZES, its scalars to SCALARS, to MADE what of its floating inputs a
recipe makes, to VARIANTS what else a row may give, and to JUDGES what judges it where elements
cannot be compared one by one.

A definition with constants is run a second time with its inputs scaled down: eps has no weight
beside the mean square of N(0, 1).
"""

import ctypes
import fnmatch
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

import torch

import reference_dsa
import reference_sampling

VAR_AXIS = 5  # odd, and more than one row
SCALE = 2.0**-9  # exact in every floating dtype
ACCUMULATED = 1e-5  # of the output's root mean square: how far two float32 sums may be apart

# In the order of tm_dtype, lib/dtype.h.
DTYPES = "float32 float16 bfloat16 float8_e4m3fn float8_e5m2 float4_e2m1 int64 int32 int16 int8 bool"
BITS = {1: torch.int8, 2: torch.int16}
STORED = dict(zip("F32 F16 BF16 F8_E4M3 F8_E5M2 F4 I64 I32 I16 I8 BOOL".split(), DTYPES.split()))

# Var axes by op_type and name of the definition, the first that fits; what is not here is VAR_AXIS.
SIZES = [
    ("gqa_paged", "*_decode_*", [
        dict(batch_size=1, len_indptr=2, num_kv_indices=3, num_pages=4),
        dict(batch_size=5, len_indptr=6, num_kv_indices=37, num_pages=41),
    ]),
    ("gqa_paged", "*_prefill_*", [
        dict(batch_size=1, len_indptr=2, total_q=1, num_kv_indices=3, num_pages=4),
        dict(batch_size=3, len_indptr=4, total_q=29, num_kv_indices=37, num_pages=41),
    ]),
    ("mla_paged", "*_decode_*", [
        dict(batch_size=5, len_indptr=6, num_kv_indices=37, num_pages=41),
    ]),
    ("mla_paged", "*_prefill_*", [
        dict(batch_size=3, len_indptr=4, total_q=29, num_kv_indices=37, num_pages=41),
    ]),
    ("*_ragged", "*", [
        dict(len_indptr=4, total_q=29, total_kv=29),
        dict(len_indptr=4, total_q=13, total_kv=41),
    ]),
    ("moe", "*_h512_*", [dict(seq_len=1), dict(seq_len=33)]),
    ("moe", "*", [dict(seq_len=19)]),
    ("gdn", "*_decode_*", [dict(batch_size=3)]),
    ("gdn", "*_prefill_*", [dict(total_seq_len=21, num_seqs=3, len_cu_seqlens=4)]),
    ("gdn", "*_mtp_*", [dict(batch_size=3, seq_len=4, pool_size=5)]),
    ("mamba_ssu", "*", [dict(batch_size=5, state_cache_size=6)]),
    ("rope", "*", [
        dict(num_tokens=37, num_qo_heads=6, num_kv_heads=2, max_seq_len=131),
        dict(num_tokens=300, num_qo_heads=2, num_kv_heads=1, max_seq_len=70),
    ]),
    ("sampling", "*", [dict(batch_size=8)]),
    ("dsa_paged", "dsa_sparse_attention_*_ps1", [dict(num_tokens=3, num_pages=2077)]),
    ("dsa_paged", "dsa_sparse_attention_*", [
        dict(num_tokens=3, num_pages=37),
        dict(num_tokens=3, num_pages=3),
    ]),
    ("dsa_paged", "dsa_topk_indexer_*", [dict(batch_size=4, max_num_pages=37, num_pages=53)]),
]

# Values of scalars by name, from the sizes of all axes.
SCALARS = {
    "sm_scale": lambda sizes: sizes.get("head_dim", 192) ** -0.5,
    "scale": lambda sizes: sizes["head_size"] ** -0.5,
    "local_expert_offset": lambda sizes: sizes["num_experts"] - sizes["num_local_experts"],
    "routed_scaling_factor": lambda sizes: 2.5,
}

# Floating inputs whose values a recipe makes, as op_type/name; integers always are.
MADE = {"gdn/q", "gdn/k", "gdn/A_log", "gdn/dt_bias",
        "mamba_ssu/A", "mamba_ssu/dt", "mamba_ssu/dt_bias",
        "rope/cos_sin_cache", "sampling/top_p",
        "moe/routing_logits", "moe/routing_bias", "moe/hidden_states_scale",
        "moe/gemm1_weights_scale", "moe/gemm2_weights_scale", "moe/output1_scales_scalar",
        "moe/output1_scales_gate_scalar", "moe/output2_scales_scalar"}


def odd_experts(topk_ids):
    """Packed choices among which are experts that there are not, and one chosen twice."""
    odd = topk_ids.clone()
    odd[0] = odd[0, 0].clone()
    for at, expert in enumerate([-1, 32767, 1000][:odd.numel() - 1]):
        odd.view(-1)[-1 - at] = (expert << 16) | 0x3f80
    return odd


# Which inputs a row may also give, by op_type and name of the definition: what a recipe does not
# make. Functions of all inputs; None leaves an optional one out.
VARIANTS = [
    ("moe", "*_routed_*", [
        lambda inputs: {"topk_ids": odd_experts(inputs["topk_ids"])},
    ]),
    ("gdn", "*_decode_*", [lambda inputs: {"state": None, "scale": 0.0}]),
    ("gdn", "*_prefill_*", [
        lambda inputs: {"state": None, "scale": 0.0},
        lambda inputs: {"cu_seqlens": torch.tensor([2, 9, 9, 17])},  # tokens before, behind, none
    ]),
    ("gdn", "*_mtp_*", [
        lambda inputs: {"initial_state_indices": torch.tensor([-1, 1, -1], dtype=torch.int32),
                        "intermediate_states_buffer": None, "scale": 0.0},
    ]),
    ("dsa_paged", "dsa_sparse_attention_*", [reference_dsa.list_nothing]),
    # Padding, and one slot twice: no time passes at first, because an element that is rounded twice
    # may be further from PyTorch's than a rounding.
    ("mamba_ssu", "*", [
        lambda inputs: {"state_batch_indices": torch.tensor([4, -1, 1, 4, -3], dtype=torch.int32),
                        "dt": torch.cat([torch.full_like(inputs["dt"][:1], -100), inputs["dt"][1:]])},
    ]),
]

# By the beginning of the definition's name or op_type: judge(definition, native, pytorch, inputs)
# gives a reason or None. native(inputs, axes) and pytorch(inputs) give lists of outputs; `axes` are
# those that the inputs have otherwise than given.
JUDGES = {"sampling": reference_sampling.judge, "dsa_topk_indexer": reference_dsa.judge}


class Form(ctypes.Structure):
    """tm_random_form: what an input is made of."""

    _fields_ = [
        ("kind", ctypes.c_int32),
        ("dtype", ctypes.c_int32),
        ("elems", ctypes.c_int64),
        ("unit_elems", ctypes.c_int64),
        ("token_elems", ctypes.c_int64),
    ]


def draw(library, seed, number, op_type, name, spec, shape):
    tensor = torch.empty(shape, dtype=getattr(torch, spec["dtype"]))
    library.tm_random_form_of.restype = Form
    form = library.tm_random_form_of(
        op_type.encode(),
        name.encode(),
        ctypes.c_int(DTYPES.split().index(spec["dtype"])),
        ctypes.c_int(len(shape)),
        (ctypes.c_int64 * len(shape))(*shape),
    )
    library.tm_random_fill(
        ctypes.c_uint64(seed),
        ctypes.c_uint32(number),
        ctypes.byref(form),
        ctypes.c_void_p(tensor.data_ptr()),
        ctypes.c_uint32(0),
        ctypes.c_uint32(1),
    )
    return tensor, form.kind == 0


def is_made(definition, name):
    spec = definition["inputs"][name]
    integer = spec["dtype"].startswith("int") and spec["dtype"] != "int8"
    return spec["shape"] is not None and (integer or f"{definition['op_type']}/{name}" in MADE)


def make(tm_blobs, definition, sizes, seed):
    """What a recipe makes, by name: as tm-gen asks tm-blobs for it (docs/FORMATS.md)."""
    inputs = {name: {"shape": spec["shape"], "dtype": spec["dtype"]}
              for name, spec in definition["inputs"].items() if spec["shape"] is not None}
    names = [name for name in inputs if is_made(definition, name)]
    recipe = {"definition": definition["name"], "op_type": definition["op_type"], "axes": sizes,
              "inputs": inputs, "make": names, "recipe": {"seed": seed}}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "recipe.json").write_text(json.dumps(recipe))
        done = subprocess.run([tm_blobs, f"--recipe={path}/recipe.json", f"--output={path}/blob"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        content = (path / "blob").read_bytes()
    data = 8 + int.from_bytes(content[:8], "little")
    made = {}
    for name, spec in json.loads(content[8:data]).items():
        begin, end = spec["data_offsets"]
        stored = bytearray(content[data + begin:data + end])
        dtype = getattr(torch, STORED[spec["dtype"]])
        made[name] = (torch.frombuffer(stored, dtype=dtype) if stored
                      else torch.empty(0, dtype=dtype)).reshape(spec["shape"])
    return made


def read_facts(solutions, device):
    """By definition: the reference's shared object, and what it is called with."""
    facts = {}
    for path in pathlib.Path(solutions).glob("reference_*.json"):
        described = json.loads(path.read_text())
        facts[described["definition"]] = (path.with_suffix(".so"), described | {"device": device})
    return facts


def call(shared_object, facts, inputs, outputs, sizes):
    """tm_call, with tm_axes as contract.h declares it: int64 axes, then double constants. On a GPU
    it gets copies of the tensors there, and outputs are fetched."""
    library = ctypes.CDLL(str(shared_object))
    device, axes, constants = facts["device"], facts["axes"], facts["constants"]
    there = [t.to(device) if isinstance(t, torch.Tensor) else t for t in inputs + outputs]
    pointers = (ctypes.c_void_p * len(there))(
        *(t.data_ptr() if isinstance(t, torch.Tensor) else t if t is None else ctypes.addressof(t)
          for t in there))
    fields = [(f"axis{i}", ctypes.c_int64) for i in range(len(axes))]
    fields += [(f"constant{i}", ctypes.c_double) for i in range(len(constants))]
    kind = type("tm_axes", (ctypes.Structure,), {"_fields_": fields})
    values = [sizes[name] for name in axes]
    status = library.tm_call(pointers, ctypes.byref(kind(*values, *constants)), None)
    if status != 0:
        raise RuntimeError(f"the entry returned {status}")
    if device != "cpu":
        torch.cuda.synchronize()
        for output, written in zip(outputs, there[len(inputs):]):
            output.copy_(written)


def ordered(tensor):
    """The bits of a float of at most 16 bits as integers that count representable numbers."""
    bits = tensor.view(BITS[tensor.element_size()]).to(torch.int32)
    lowest = -(1 << (8 * tensor.element_size() - 1))
    return torch.where(bits < 0, lowest - bits, bits)


def compare(name, got, wanted):
    """Why `got` is not `wanted`, or None."""
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        return f"{name}: expected {wanted.dtype}{list(wanted.shape)} from PyTorch, got " \
               f"{got.dtype}{list(got.shape)}"
    if not got.is_floating_point():
        wrong = got != wanted
    elif got.isnan().any() or wanted.isnan().any():
        return f"{name}: expected numbers"
    elif (got.isinf() != wanted.isinf()).any() or (got[got.isinf()] != wanted[got.isinf()]).any():
        return f"{name}: expected infinities where PyTorch has them"
    else:
        finite = ~got.isinf()
        got, wanted = got[finite], wanted[finite]
        if not got.numel():
            return None
        a, b = got.double(), wanted.double()
        rms = b.square().mean().sqrt()
        if got.element_size() > 2:
            error = ((a - b).norm() / b.norm()).item()
            return None if error <= 1e-5 else f"{name}: expected a relative error <= 1e-5, got {error}"
        wrong = ((ordered(got) - ordered(wanted)).abs() > 1) & ((a - b).abs() > ACCUMULATED * rms)
    if not wrong.any():
        return None
    at = tuple(wrong.nonzero()[0].tolist())
    return f"{name}: {int(wrong.sum())} of {wrong.numel()} elements are further apart than a rounding, " \
           f"the first at {list(at)}: PyTorch {wanted[at].item()}, native {got[at].item()}"


def of(table, definition, otherwise):
    return next((rows for op_type, name, rows in table
                 if fnmatch.fnmatch(definition["op_type"], op_type)
                 and fnmatch.fnmatch(definition["name"], name)), otherwise)


def reduced(definition):
    """A definition of op_type moe whose experts are gigabytes, with smaller ones: other values of
    two axes and of what follows from them, and the same two numbers in the text of `reference`."""
    axes = definition["axes"]
    if definition["op_type"] != "moe" or axes["hidden_size"]["value"] <= 512:
        return definition
    narrow = definition["inputs"]["gemm1_weights"]["dtype"].startswith("float8")
    experts = definition["axes"][definition["inputs"]["gemm1_weights"]["shape"][0]]["value"]
    hidden = 384 if narrow else 256
    inner = 256 if narrow and experts <= 128 else 128
    smaller = {axes["hidden_size"]["value"]: hidden, axes["intermediate_size"]["value"]: inner}
    text = re.sub(r"\b\d+\b", lambda number: str(smaller.get(int(number[0]), number[0])),
                  definition["reference"])
    values = {"hidden_size": hidden, "intermediate_size": inner, "gemm1_out_size": 2 * inner,
              "num_hidden_blocks": hidden // 128, "num_intermediate_blocks": inner // 128,
              "num_gemm1_out_blocks": 2 * inner // 128}
    axes = {name: axis | {"value": values[name]} if name in values else axis
            for name, axis in axes.items()}
    return definition | {"axes": axes, "reference": text}


def all_sizes(definition):
    """A value for each axis, for each size that the definition is judged at."""
    for row in of(SIZES, definition, [{}]):
        yield {name: axis.get("value", row.get(name, VAR_AXIS))
               for name, axis in definition["axes"].items()}


def count_bytes(definition, sizes):
    tensors = list(definition["inputs"].values()) + list(definition["outputs"].values())
    total = 0
    for spec in tensors:
        elems = 1
        for axis in spec["shape"] or []:
            elems *= sizes[axis]
        total += elems * getattr(torch, spec["dtype"]).itemsize
    return total


def make_inputs(definition, sizes, draw_library, tm_blobs, seed, scale):
    """Tensors, and numbers for scalars, in order."""
    made = make(tm_blobs, definition, sizes, seed)
    for number, (name, spec) in enumerate(definition["inputs"].items()):
        if spec["shape"] is None:
            yield SCALARS[name](sizes)
            continue
        if spec["dtype"] == "float4_e2m1":
            raise NotImplementedError("float4_e2m1 is not known here")
        tensor = made.get(name)
        if tensor is None:
            shape = [sizes[axis] for axis in spec["shape"]]
            tensor, plain = draw(draw_library, seed, number, definition["op_type"], name, spec, shape)
            if tensor.is_floating_point() and plain and scale != 1:
                tensor.mul_(scale)
        yield tensor


def as_argument(value, spec):
    """A tensor, or None, as it is; a scalar as tm_call takes it, behind a pointer."""
    if spec["shape"] is not None:
        return value
    if spec["dtype"].startswith("float") or spec["dtype"] == "bfloat16":
        return ctypes.c_float(value)
    return ctypes.c_int64(value)


def copy(value):
    return value.clone() if isinstance(value, torch.Tensor) else value


def run_native(definition, shared_object, facts, inputs, sizes):
    outputs = [
        torch.empty([sizes[axis] for axis in spec["shape"]], dtype=getattr(torch, spec["dtype"]))
        for spec in definition["outputs"].values()
    ]
    for tensor in outputs:  # what is left as it was is seen
        tensor.view(torch.uint8).fill_(0xff)
    arguments = [as_argument(*pair) for pair in zip(inputs, definition["inputs"].values())]
    call(shared_object, facts, arguments, outputs, sizes)
    return outputs


def run_pytorch(definition, inputs):
    scope = {}
    exec(compile(definition["reference"], definition["name"], "exec"), scope)
    # By name: two of the public ones list their parameters in another order than the definition.
    wanted = scope["run"](**dict(zip(definition["inputs"], inputs)))
    return list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]


def judge(definition, shared_object, facts, inputs, sizes):
    for key, special in JUDGES.items():
        if definition["op_type"] == key or definition["name"].startswith(key):
            return special(
                definition,
                lambda named, axes: run_native(definition, shared_object, facts,
                                               list(named.values()), {**sizes, **axes}),
                lambda named: run_pytorch(definition, list(named.values())),
                dict(zip(definition["inputs"], inputs)))
    wanted_inputs = [copy(value) for value in inputs]
    outputs = run_native(definition, shared_object, facts, inputs, sizes)
    wanted = run_pytorch(definition, wanted_inputs)
    if len(wanted) != len(outputs):
        return f"expected {len(outputs)} outputs from PyTorch, got {len(wanted)}"
    for name, got, right in zip(definition["outputs"], outputs, wanted):
        print("     %s of %s: largest absolute error %.1e, relative %.1e" %
              (name, definition["name"], *largest_errors(got, right)))
    reasons = map(compare, definition["outputs"], outputs, wanted)
    return next((reason for reason in reasons if reason), None)


def largest_errors(got, wanted):
    """Over what is a number in both, as a verdict counts them."""
    if got.shape != wanted.shape:
        return math.nan, math.nan
    absolute = (got.double() - wanted.double()).abs()
    relative = absolute / (wanted.double().abs() + 1e-8)
    finite = [errors[errors.isfinite()] for errors in (absolute, relative)]
    return tuple(errors.max().item() if errors.numel() else 0.0 for errors in finite)


def judge_variants(definition, shared_object, facts, inputs, sizes):
    """Why one of them is not right, or None: the inputs as they are, then with changes."""
    variants = [lambda inputs: {}] + of(VARIANTS, definition, [])
    for number, variant in enumerate(variants):
        given = dict(zip(definition["inputs"], map(copy, inputs)))
        given |= variant(given)
        reason = judge(definition, shared_object, facts, list(given.values()), sizes)
        if reason:
            return reason + (f" (variant {number})" if number else "")
    return None


def judge_sizes(definition, shared_object, facts, draw_library, tm_blobs, seed, limit):
    """Lines of what was found, and whether it was good."""
    for sizes in all_sizes(definition):
        shown = ",".join(f"{name}={value}" for name, value in sizes.items()
                         if "value" not in definition["axes"][name])
        name = f"reference/{definition['name']}/{shown or 'const'}/seed {seed}"
        if limit and count_bytes(definition, sizes) > limit:
            yield True, f"SKIP {name}: its tensors have more than {limit} bytes"
            continue
        reason = None
        # Constants of moe say how experts are chosen.
        for scale in [1, SCALE] if facts["constants"] and definition["op_type"] != "moe" else [1]:
            try:
                inputs = list(make_inputs(definition, sizes, draw_library, tm_blobs, seed, scale))
                reason = judge_variants(definition, shared_object, facts, inputs, sizes)
            except Exception as error:  # whatever it is, it is this definition's
                reason = f"{type(error).__name__}: {error}"
            if reason:
                reason += f" (inputs scaled by {scale})"
                break
        yield not reason, f"FAIL {name}: {reason}" if reason else f"PASS {name}"


def main(definitions, solutions, device, draw_path, tm_blobs, seed, limit):
    draw_library = ctypes.CDLL(draw_path)
    facts = read_facts(solutions, device)
    failed = False
    for path in sorted(pathlib.Path(definitions).rglob("*.json")):
        definition = reduced(json.loads(path.read_text()))
        if definition["name"] not in facts:
            print(f"SKIP reference/{definition['name']}: it has no native reference")
            continue
        for good, line in judge_sizes(definition, *facts[definition["name"]], draw_library, tm_blobs,
                                      seed, limit):
            failed = failed or not good
            print(line, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:6], int(sys.argv[6]), int(sys.argv[7]) if sys.argv[7:] else 0))
