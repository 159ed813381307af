"""reference.py DEFINITIONS SOLUTIONS DRAW SEED: each native reference in SOLUTIONS against the
PyTorch `reference` of its definition, a line PASS or FAIL for each. DRAW is harness/random_fill.c
as a shared object. Exit status 1 when one failed.

A definition with constants is run a second time with its inputs scaled down: eps has no weight
beside the mean square of N(0, 1).
"""

import ctypes
import json
import pathlib
import sys

import torch

VAR_AXIS = 5  # odd, and more than one row
SCALE = 2.0**-9  # exact in every floating dtype
ACCUMULATED = 1e-5  # of the output's root mean square: how far two float32 sums may be apart

# In the order of tm_dtype, lib/dtype.h.
DTYPES = "float32 float16 bfloat16 float8_e4m3fn float8_e5m2 float4_e2m1 int64 int32 int16 int8 bool"
BITS = {1: torch.int8, 2: torch.int16}


def draw(library, seed, number, spec, shape):
    tensor = torch.empty(shape, dtype=getattr(torch, spec["dtype"]))
    library.tm_random_fill(
        ctypes.c_uint64(seed),
        ctypes.c_uint32(number),
        ctypes.c_int(DTYPES.split().index(spec["dtype"])),
        ctypes.c_void_p(tensor.data_ptr()),
        ctypes.c_int64(tensor.numel()),
        ctypes.c_uint32(0),
        ctypes.c_uint32(1),
    )
    return tensor


def call(shared_object, tensors, axes, constants):
    """tm_call, with tm_axes as contract.h declares it: int64 axes, then double constants."""
    library = ctypes.CDLL(str(shared_object))
    pointers = (ctypes.c_void_p * len(tensors))(*(t.data_ptr() for t in tensors))
    fields = [(f"axis{i}", ctypes.c_int64) for i in range(len(axes))]
    fields += [(f"constant{i}", ctypes.c_double) for i in range(len(constants))]
    kind = type("tm_axes", (ctypes.Structure,), {"_fields_": fields})
    status = library.tm_call(pointers, ctypes.byref(kind(*axes, *constants)), None)
    if status != 0:
        raise RuntimeError(f"the entry returned {status}")


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
    elif not torch.isfinite(got.float()).all() or not torch.isfinite(wanted.float()).all():
        return f"{name}: expected finite numbers"
    else:
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


def judge(definition, shared_object, facts, draw_library, seed, scale):
    sizes = {name: axis.get("value", VAR_AXIS) for name, axis in definition["axes"].items()}
    axes = [sizes[name] for name in facts["axes"]]
    inputs = []
    for number, spec in enumerate(definition["inputs"].values()):
        if spec["shape"] is None or spec["dtype"] == "float4_e2m1":
            raise NotImplementedError("scalars and float4_e2m1 are not known here")
        tensor = draw(draw_library, seed, number, spec, [sizes[axis] for axis in spec["shape"]])
        inputs.append(tensor.mul_(scale) if tensor.is_floating_point() and scale != 1 else tensor)
    outputs = [
        torch.empty([sizes[axis] for axis in spec["shape"]], dtype=getattr(torch, spec["dtype"]))
        for spec in definition["outputs"].values()
    ]
    call(shared_object, inputs + outputs, axes, facts["constants"])
    scope = {}
    exec(compile(definition["reference"], definition["name"], "exec"), scope)
    wanted = scope["run"](*inputs)
    wanted = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    if len(wanted) != len(outputs):
        return f"expected {len(outputs)} outputs from PyTorch, got {len(wanted)}"
    reasons = map(compare, definition["outputs"], outputs, wanted)
    return next((reason for reason in reasons if reason), None)


def main(definitions, solutions, draw_path, seed):
    draw_library = ctypes.CDLL(draw_path)
    facts = {}
    for path in pathlib.Path(solutions).glob("reference_*.json"):
        described = json.loads(path.read_text())
        facts[described["definition"]] = (path.with_suffix(".so"), described)
    failed = False
    for path in sorted(pathlib.Path(definitions).rglob("*.json")):
        definition = json.loads(path.read_text())
        name = definition["name"]
        try:
            shared_object, described = facts[name]
            reason = None
            for scale in [1, SCALE] if described["constants"] else [1]:
                reason = judge(definition, shared_object, described, draw_library, seed, scale)
                if reason:
                    reason += f" (inputs scaled by {scale})"
                    break
        except Exception as error:  # whatever it is, it is this definition's
            reason = f"{type(error).__name__}: {error}"
        failed = failed or reason is not None
        print(f"FAIL reference/{name}/seed {seed}: {reason}" if reason
              else f"PASS reference/{name}/seed {seed}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
