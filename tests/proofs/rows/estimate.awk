# estimate.awk: what each row of the plan is made of, from the generated tables, and about how long
# it takes on one H200. "-" elsewhere.
#
#     definition uuid inputs_bytes outputs_bytes operations seconds
#
# The rates are guesses on the safe side, except that of the fill: nobody should wait for minutes
# where seconds were announced.
function axis(name, otherwise) { return name in axes ? axes[name] : otherwise }
function operations(    requests, keys, pairs) {
    if (op_type == "gemm")
        return 2 * axes["M"] * axes["N"] * axes["K"]
    if (op_type == "moe")
        return 6 * axes["hidden_size"] * axes["intermediate_size"] * axes["seq_len"]
    if (definition ~ /^dsa_topk/)
        return 2 * axes["batch_size"] * axes["max_num_pages"] * axes["page_size"] * \
            axes["num_index_heads"] * axes["index_head_dim"]
    if (op_type !~ /^(gqa|mla)/)
        return 0
    requests = axis("len_indptr", 2) - 1
    keys = axis("num_kv_indices", 0) * axis("page_size", 1) + axis("total_kv", 0)
    # Lengths differ: a long request has most of its tokens' pairs.
    pairs = "total_q" in axes ? axes["total_q"] * keys / (requests > 2 ? requests / 2 : 1) / 2 : keys
    return pairs * axes["num_qo_heads"] * \
        (op_type ~ /^gqa/ ? 4 * axes["head_dim"] : 4 * axis("head_dim_ckv", 192) + 2 * axis("head_dim_kpe", 0))
}
# Two calls of the reference for the answers, two of each solution. A baseline takes no longer.
function seconds(    rate, calls) {
    if (backend != "cuda")
        return "-"
    rate = op_type == "gemm" ? 5e12 : 1e12
    calls = 2 + 2 * solutions[definition]
    # A worker fills, hashes and renews its inputs; outputs go to the host, and are compared there.
    return 0.02 + calls * operations() / rate + (1 + solutions[definition]) * \
        (0.05 + 4 * bytes["RANDOM"] / 2e11 + bytes["BLOB"] / 1e9 + 3 * bytes["OUTPUT"] / 2e9 + \
            (definition ~ /^dsa_topk/ ? bytes["RANDOM"] / 1e9 : 0))
}
BEGIN {
    OFS = "\t"
    split("FLOAT32 4 FLOAT16 2 BFLOAT16 2 FLOAT8_E4M3FN 1 FLOAT8_E5M2 1 FLOAT4_E2M1 0.5 INT64 8 INT32 4 INT16 2 INT8 1 BOOL 1", word, " ")
    for (i = 1; i in word; i += 2)
        size["TM_DTYPE_" word[i]] = word[i + 1]
}
FILENAME == ARGV[1] { if ($1 == "solution") solutions[$2]++; next }
/^static const tm_table_axis/ { split("", axes); split("", bytes) }
/^    \{"/ { name = $1; gsub(/[{",]/, "", name); axes[name] = $2 + 0 }
/\.dtype = / { elems = 1; dtype = $3; sub(/,$/, "", dtype) }
/\.shape = \{/ {
    line = $0
    sub(/.*\.shape = \{/, "", line)
    sub(/\}.*/, "", line)
    rank = split(line, extent, ", ")
    for (i = 1; i <= rank; i++)
        elems *= extent[i]
}
/\.fill = TM_FILL_/ { fill = $0; sub(/.*TM_FILL_/, "", fill); sub(/[^A-Z].*/, "", fill); bytes[fill] += elems * size[dtype] }
/^    \.definition = "/ { definition = $3; gsub(/[",]/, "", definition) }
/^    \.op_type = "/ { op_type = $3; gsub(/[",]/, "", op_type) }
/^    \.uuid = "/ {
    uuid = $3
    gsub(/[",]/, "", uuid)
    print definition, uuid, bytes["RANDOM"] + bytes["BLOB"], bytes["OUTPUT"] + 0, operations(), seconds()
}
