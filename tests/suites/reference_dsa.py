"""The indexer of sparse attention against the definition's PyTorch: by the scores of what both
select, since sums in another order make other entries as good."""

import torch

CLOSE = 1e-5  # of the largest score: how far two float32 sums may be apart


def list_nothing(inputs):
    """Of sparse attention: a token that lists no entry, and one that lists every other."""
    indices = inputs["sparse_indices"].clone()
    indices[0] = -1
    indices[1, ::2] = -1
    return {"sparse_indices": indices}


def unpack(cache):
    """Keys of all entries: a page is fp8 elements, then a float32 scale for each entry."""
    pages, page_size, _, size = cache.shape
    flat = cache.view(pages, -1)
    elements = flat[:, :page_size * (size - 4)].contiguous().view(torch.float8_e4m3fn)
    scales = flat[:, page_size * (size - 4):].contiguous().view(torch.float32)
    return elements.double().reshape(-1, size - 4) * scales.double().reshape(-1, 1)


def judge(definition, native, pytorch, inputs):
    keys = unpack(inputs["k_index_cache_fp8"])
    lengths, page_size = inputs["seq_lens"], inputs["k_index_cache_fp8"].shape[1]
    lengths[0] = 0
    got, wanted = native(inputs, {})[0], pytorch(inputs)[0]
    largest = 0
    for i, (mine, theirs) in enumerate(zip(got, wanted)):
        pages = inputs["block_table"][i, :-(-int(lengths[i]) // page_size)]
        reachable = (pages[:, None] * page_size + torch.arange(page_size)).flatten()[:int(lengths[i])]
        count = int((theirs != -1).sum())
        mine, theirs = mine[:count].long(), theirs[:count].long()
        if (got[i, count:] != -1).any():
            return f"topk_indices[{i}]: expected -1 from {count} on"
        if not torch.isin(mine, reachable).all() or mine.unique().numel() != count:
            return f"topk_indices[{i}]: expected {count} different entries of the sequence"
        query, weights = inputs["q_index_fp8"][i].double(), inputs["weights"][i].double()
        scores = [(weights @ torch.relu(query @ keys[chosen].T)).sort().values
                  for chosen in (mine, theirs)]
        error = ((scores[0] - scores[1]).abs().max() / scores[1].abs().max()).item() if count else 0
        if not error <= CLOSE:
            return f"topk_indices[{i}]: scores differ by {error} of the largest"
        largest = max(largest, error)
    print("     topk_indices of %s: largest error of a score %.1e of the row's largest" %
          (definition["name"], largest))
    return None
