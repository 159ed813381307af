"""Samplers against the distribution that the definition's PyTorch draws from: it is taken from its
calls of torch.multinomial, or where there is none it is the one token that it chose. No sample may
lie outside, and a chi-square test of grouped counts, over all rows, must not be surprised: beyond
ten standard deviations, which no honest sampler meets.
"""

import torch

GROUPS = 8  # of tokens, by falling probability, of about equal mass
SAMPLES = {5000: 4000, 1 << 62: 48}  # of each row, by vocabularies up to


def prepare(definition, inputs):
    """Distributions, flat and peaked; of the limits some that mean nothing, everything or one."""
    probs = inputs["probs"]
    rows, vocabulary = probs.shape
    probs.copy_(torch.softmax(probs.log() * (1 + torch.arange(rows) % 3)[:, None], dim=-1))
    for name, edges in (("top_k", [1, 0, vocabulary, 3, -1, vocabulary - 1]),
                        ("top_p", [0.7, 0.9, 0.0, 1.0, 0.5, 1e-9])):
        if name in inputs:
            count = min(rows, len(edges))
            inputs[name][:count] = torch.tensor(edges[:count]).to(inputs[name].dtype)


def distributions(pytorch, inputs):
    rows = []
    drawn = []
    original = torch.multinomial

    def multinomial(row, *_, **__):
        drawn.append(row.double() / row.double().sum())
        return torch.zeros(1, dtype=torch.int64)

    torch.multinomial = multinomial
    try:
        for i in range(inputs["probs"].shape[0]):
            drawn.clear()
            chosen = pytorch({name: tensor[i:i + 1] for name, tensor in inputs.items()})[0]
            if not drawn:
                drawn.append(torch.zeros_like(inputs["probs"][i], dtype=torch.float64))
                drawn[0][chosen[0]] = 1
            rows.append(drawn[0])
    finally:
        torch.multinomial = original
    return rows


def surprise(counts, expected):
    """Chi-square of the groups, and its degrees of freedom."""
    order = expected.argsort(descending=True)
    group = (expected[order].cumsum(0) * GROUPS - 1e-9).long().clamp(0, GROUPS - 1)
    sums = torch.zeros(2, GROUPS, dtype=torch.float64)
    sums[0].index_add_(0, group, counts[order])
    sums[1].index_add_(0, group, expected[order] * counts.sum())
    seen, wanted = sums[:, sums[1] > 0]
    return ((seen - wanted)**2 / wanted).sum().item(), wanted.numel() - 1


def judge(definition, native, pytorch, inputs):
    prepare(definition, inputs)
    expected = distributions(pytorch, inputs)
    rows, vocabulary = inputs["probs"].shape
    copies = next(samples for most, samples in SAMPLES.items() if vocabulary <= most)
    repeated = {name: tensor.repeat([copies] + [1] * (tensor.dim() - 1))
                for name, tensor in inputs.items()}
    samples = native(repeated, {"batch_size": rows * copies})[0].reshape(copies, rows)
    if ((samples < 0) | (samples >= vocabulary)).any():
        return f"samples: expected tokens below {vocabulary}, got {samples.min()} to {samples.max()}"
    total = freedom = 0
    for row in range(rows):
        counts = torch.bincount(samples[:, row], minlength=vocabulary).double()
        if counts[expected[row] == 0].any():
            token = int((counts * (expected[row] == 0)).argmax())
            return f"samples[{row}]: {token} was drawn, which is not in the filtered distribution"
        chi_square, degrees = surprise(counts, expected[row])
        total += chi_square
        freedom += degrees
    limit = freedom + 10 * (2 * freedom)**0.5
    print("     samples of %s: %d of each of %d rows, chi-square %.1f of %d degrees of freedom" %
          (definition["name"], copies, rows, total, freedom))
    return None if total <= limit else f"samples: chi-square is {total:.1f} of {freedom} degrees of " \
                                       f"freedom, expected at most {limit:.1f}"
