#include "harness/floor.h"

#include <string.h>

#include "harness/reach.h"
#include "harness/routing.h"

/* What is known of a family. A floor that is too high would accuse an honest kernel: what may stay
 * unread, such as pages that no index reaches, is left out, and of a family that is not listed
 * every input. */
typedef enum {
    READ,    /* by every honest kernel, to the last byte */
    USUALLY, /* but not of each sequence: for the limit, not for the floor */
    UNREAD,  /* by some */
    STORED,  /* caches, experts: the part that other inputs choose */
    ASKED,   /* queries, tokens: those that look at a part of the store */
    LISTED,  /* a block table: entries below the lengths */
} reading;

/* The share of an input that is read. */
typedef struct {
    double sure, needed; /* for the floor; for the limit */
    bool exact;          /* and no more */
} part;

/* What inputs say of a row. */
typedef struct {
    part stored, asked, listed;
    double sure_operations, operations; /* negative: not known */
} need;

typedef struct {
    const char *op_type;
    reading (*reads)(const tm_table *table, const char *input); /* NULL: READ, all of them */
    /* Operations of a row, a multiplication and an addition being two; negative: not known. */
    double (*operations)(const tm_table *table);
    need (*needs)(const tm_table *table, tm_inputs *inputs); /* in place of operations, or NULL */
} family;

/* The value of an axis, or -1. */
static int64_t axis_value(const tm_table *table, const char *name) {
    for (size_t i = 0; i < table->axis_count; i++)
        if (strcmp(table->axes[i].name, name) == 0)
            return table->axes[i].value;
    return -1;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* C[M,N] = A[M,K] B[N,K]^T is M N dot products of length K: 2 M N K (BLAS's count, Dongarra et al.,
 * "A set of level 3 basic linear algebra subprograms", 1990). */
static double gemm_operations(const tm_table *table) {
    int64_t m = axis_value(table, "M"), n = axis_value(table, "N"), k = axis_value(table, "K");
    return m < 0 || n < 0 || k < 0 ? -1 : 2.0 * (double)m * (double)n * (double)k;
}

/* Some five operations per element of two bytes or more: every device moves bytes more slowly. */
static double few_operations(const tm_table *table) {
    (void)table;
    return 0;
}

static const tm_table_tensor *find_input(const tm_table *table, const char *name) {
    for (size_t i = 0; i < table->input_count; i++)
        if (strcmp(table->tensors[i].name, name) == 0)
            return &table->tensors[i];
    return NULL;
}

static bool is_given(const tm_table *table, const char *input) {
    const tm_table_tensor *tensor = find_input(table, input);
    return tensor && tensor->fill != TM_FILL_ABSENT;
}

/* Verification copies the pool of states and writes, if at all, its buffer of states in between. A
 * sequence without tokens needs no state. */
static reading gdn_reads(const tm_table *table, const char *input) {
    if (strcmp(input, "intermediate_states_buffer") == 0)
        return UNREAD;
    bool ragged = axis_value(table, "num_seqs") >= 0;
    return ragged && strcmp(input, "state") == 0 ? USUALLY : READ;
}

/* One step reads and writes each element of the state for some seven operations on it (Yang et al.,
 * "Gated Delta Networks", 2024, equation 10): few. More steps are taken in chunks (section 3.3),
 * which for each token and head multiply the state before the chunk, if there is one, by a row of W
 * and by q, and add an outer product to the state behind it, if that is wanted: 2 D^2 each. What
 * tokens of one chunk have to do with each other comes on top, and depends on the chunk's length.
 */
static double gdn_operations(const tm_table *table) {
    int64_t batch = axis_value(table, "batch_size"), steps = axis_value(table, "seq_len");
    int64_t heads = axis_value(table, "num_v_heads"), size = axis_value(table, "head_size");
    int64_t tokens = axis_value(table, "total_seq_len");
    if (steps == 1)
        return 0;
    bool ragged = tokens >= 0;
    if (!ragged && batch >= 0 && steps >= 0)
        tokens = batch * steps;
    if (tokens < 0 || heads < 0 || size < 0)
        return -1;
    int products = !ragged ? 2 : is_given(table, "state") ? 3 : 1;
    return 2.0 * products * (double)tokens * (double)heads * (double)size * (double)size;
}

/* Of Mamba2's rates, time steps and skips, the same all over a head, one element will do; sequences
 * that are padding need nothing. States of all slots are at least copied. */
static reading mamba_reads(const tm_table *table, const char *input) {
    (void)table;
    if (strcmp(input, "state") == 0)
        return READ;
    bool tied = strcmp(input, "A") == 0 || strcmp(input, "dt") == 0 ||
                strcmp(input, "dt_bias") == 0 || strcmp(input, "D") == 0;
    return tied ? UNREAD : USUALLY;
}

/* Of the table only the rows of positions that occur. */
static reading rope_reads(const tm_table *table, const char *input) {
    (void)table;
    return strcmp(input, "cos_sin_cache") == 0 ? UNREAD : READ;
}

/* What is kept of a row depends on all of it; of a row whose limits keep everything, the part up to
 * the drawn token will do. */
static reading sampling_reads(const tm_table *table, const char *input) {
    (void)table;
    return strcmp(input, "probs") == 0 ? USUALLY : READ;
}

static part exactly(double some, double all) {
    double share = all > 0 ? some / all : 0;
    return (part){share, share, true};
}

static need unknown_need(void) {
    return (need){.sure_operations = -1, .operations = -1};
}

/* The indexer's block table, and all that the indices choose of. */
static reading dsa_reads(const tm_table *table, const char *input) {
    (void)table;
    if (strcmp(input, "sparse_indices") == 0 || strcmp(input, "seq_lens") == 0)
        return READ;
    if (strcmp(input, "block_table") == 0)
        return LISTED;
    return strstr(input, "_cache") ? STORED : ASKED;
}

/* A score is a dot product per head of a query and a key, and a few operations more. Queries of
 * sequences that are wanted whole are not asked. */
static need indexer_need(const tm_table *table, tm_inputs *inputs) {
    int64_t pages = axis_value(table, "num_pages"), page_size = axis_value(table, "page_size");
    int64_t heads = axis_value(table, "num_index_heads"), dim = axis_value(table, "index_head_dim");
    int64_t topk = axis_value(table, "topk"), batch = axis_value(table, "batch_size");
    int64_t width = axis_value(table, "max_num_pages");
    tm_reach reach;
    if (heads < 0 || dim < 0 || topk < 0 || batch < 0 || width < 0 ||
        !tm_reach_of_lengths(inputs, pages, page_size, topk, &reach))
        return unknown_need();
    double operations = 2.0 * (double)reach.pairs * (double)heads * (double)dim;
    return (need){.stored =
                      exactly((double)reach.distinct_tokens, (double)pages * (double)page_size),
                  .asked = exactly((double)reach.sequences, (double)batch),
                  .listed = exactly((double)reach.pages, (double)batch * (double)width),
                  .sure_operations = operations,
                  .operations = operations};
}

/* As of attention, of entries that are listed: a product with a key of two parts, and the first of
 * them times a weight. */
static need dsa_need(const tm_table *table, tm_inputs *inputs) {
    if (find_input(table, "seq_lens"))
        return indexer_need(table, inputs);
    int64_t pages = axis_value(table, "num_pages"), page_size = axis_value(table, "page_size");
    int64_t heads = axis_value(table, "num_qo_heads"), tokens = axis_value(table, "num_tokens");
    int64_t ckv = axis_value(table, "head_dim_ckv"), kpe = axis_value(table, "head_dim_kpe");
    tm_reach reach;
    if (heads < 0 || tokens < 0 || ckv < 0 || kpe < 0 || pages < 0 || page_size < 1 ||
        !tm_reach_of_listed(inputs, pages * page_size, &reach))
        return unknown_need();
    double operations = 2.0 * (double)reach.pairs * (double)heads * (double)(2 * ckv + kpe);
    return (need){.stored =
                      exactly((double)reach.distinct_tokens, (double)pages * (double)page_size),
                  .asked = exactly((double)reach.sequences, (double)tokens),
                  .sure_operations = operations,
                  .operations = operations};
}

/* Whether logits choose among experts all of which are here: each token then has top_k of them.
 * Choices that were made before may repeat an expert, and name some that there are not. */
static bool are_experts_here(const tm_table *table) {
    return find_input(table, "routing_logits") && !find_input(table, "local_expert_offset") &&
           axis_value(table, "top_k") >= 0;
}

/* Llama 4's routing has a bias that it does not read. */
static reading moe_reads(const tm_table *table, const char *input) {
    if (strcmp(input, "routing_logits") == 0 || strcmp(input, "topk_ids") == 0)
        return READ;
    if (strcmp(input, "routing_bias") == 0)
        return find_input(table, "local_expert_offset") ? READ : UNREAD;
    bool is_token = strncmp(input, "hidden_states", strlen("hidden_states")) == 0;
    return is_token ? ASKED : STORED;
}

/* Without a look at the choices: a token has top_k different experts, others may have the same
 * ones. */
static need moe_need_of_any(const tm_table *table, int64_t tokens, int64_t experts,
                            double operations) {
    int64_t top_k = axis_value(table, "top_k");
    if (tokens == 0)
        return (need){.stored = {0, 0, true}, .asked = {0, 0, true}};
    if (!are_experts_here(table) || tokens < 0 || experts < top_k || operations < 0)
        return unknown_need();
    double share = (double)top_k / (double)experts;
    operations *= (double)tokens * (double)top_k;
    return (need){.stored = {share, share, tokens == 1 || experts == top_k},
                  .asked = {1, 1, true},
                  .sure_operations = operations,
                  .operations = operations};
}

/* Up, gate and down: three products of hidden_size times intermediate_size for each token and
 * expert of it (Shazeer, "GLU Variants Improve Transformer", 2020, equation 6). */
static need moe_need(const tm_table *table, tm_inputs *inputs) {
    int64_t tokens = axis_value(table, "seq_len"), experts = axis_value(table, "num_local_experts");
    int64_t hidden = axis_value(table, "hidden_size");
    int64_t inner = axis_value(table, "intermediate_size");
    if (experts < 0)
        experts = axis_value(table, "num_experts");
    double per_pair = hidden < 0 || inner < 0 ? -1 : 6.0 * (double)hidden * (double)inner;
    need any = moe_need_of_any(table, tokens, experts, per_pair);
    tm_routing routing;
    if (tokens < 1 || experts < 1 || per_pair < 0 || !tm_routing_of(table, inputs, &routing))
        return any;
    const tm_routing_count *chosen = &routing.chosen, *sure = &routing.sure;
    return (need){.stored = {larger(any.stored.sure, (double)sure->experts / (double)experts),
                             (double)chosen->experts / (double)experts, true},
                  .asked = {larger(any.asked.sure, (double)sure->tokens / (double)tokens),
                            (double)chosen->tokens / (double)tokens, true},
                  .sure_operations = larger(any.sure_operations, per_pair * (double)sure->pairs),
                  .operations = per_pair * (double)chosen->pairs};
}

/* Decoding, or causal: how a sequence's queries see its tokens follows from the indices. */
static bool is_attention_known(const tm_table *table) {
    return find_input(table, "kv_indptr") &&
           (strstr(table->definition, "_decode") || strstr(table->definition, "_prefill_causal"));
}

/* Of pages that sequences share, a kernel may read one copy; a sequence without tokens needs no
 * query, one without queries no tokens. */
static reading attention_reads(const tm_table *table, const char *input) {
    static const char *const keys[] = {"k", "v", "k_cache", "v_cache", "ckv_cache", "kpe_cache"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(input, keys[i]) == 0)
            return is_attention_known(table) ? STORED : UNREAD;
    return USUALLY;
}

/* Tokens lie in pages, or one after another. */
static int64_t attention_pages(const tm_table *table) {
    int64_t pages = axis_value(table, "num_pages");
    return pages < 0 ? axis_value(table, "total_kv") : pages;
}

static int64_t attention_page_size(const tm_table *table) {
    return axis_value(table, "num_pages") < 0 ? 1 : axis_value(table, "page_size");
}

static bool reach_of(const tm_table *table, tm_inputs *inputs, tm_reach *reach) {
    return is_attention_known(table) &&
           tm_reach_of_pages(inputs, attention_pages(table), attention_page_size(table), reach);
}

/* For each token that a query sees and each head a dot product of query and key, and the value
 * times a weight. Of MLA the key has two parts, the first of which is the value. */
static need attention_need(const tm_table *table, tm_inputs *inputs) {
    tm_reach reach;
    int64_t heads = axis_value(table, "num_qo_heads"), key = axis_value(table, "head_dim");
    int64_t value = key, rest = 0;
    if (find_input(table, "ckv_cache")) {
        key = value = axis_value(table, "head_dim_ckv");
        rest = axis_value(table, "head_dim_kpe");
    } else if (key < 0) {
        key = axis_value(table, "qk_dim");
        value = axis_value(table, "vo_dim");
    }
    need needs = unknown_need();
    if (!reach_of(table, inputs, &reach))
        return needs;
    int64_t all = attention_pages(table) * attention_page_size(table);
    needs.stored = exactly((double)reach.distinct_tokens, (double)all);
    if (heads >= 0 && key >= 0 && value >= 0 && rest >= 0)
        needs.sure_operations = needs.operations =
            2.0 * (double)reach.pairs * (double)heads * (double)(key + rest + value);
    return needs;
}

static const family families[] = {
    {"gemm", NULL, gemm_operations, NULL},
    {"rmsnorm", NULL, few_operations, NULL},
    {"gdn", gdn_reads, gdn_operations, NULL},
    {"mamba_ssu", mamba_reads, few_operations, NULL},
    {"rope", rope_reads, few_operations, NULL},
    {"sampling", sampling_reads, few_operations, NULL},
    {"gqa_paged", attention_reads, NULL, attention_need},
    {"gqa_ragged", attention_reads, NULL, attention_need},
    {"mla_paged", attention_reads, NULL, attention_need},
    {"mla_ragged", attention_reads, NULL, attention_need},
    {"dsa_paged", dsa_reads, NULL, dsa_need},
    {"moe", moe_reads, NULL, moe_need},
};

static const family *find_family(const char *op_type) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].op_type, op_type) == 0)
            return &families[i];
    return NULL;
}

static double tensor_bytes(const tm_table_tensor *tensor) {
    if (tensor->is_scalar || tensor->fill == TM_FILL_ABSENT)
        return 0;
    double bits = tm_dtype_bits(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++)
        bits *= (double)tensor->shape[i];
    return bits / 8;
}

typedef struct {
    double read, usually; /* what is read in any case; what comes on top as a rule */
    double written;
    double sure_operations, operations; /* in any case, as a rule; 0: none that count, or unknown */
    bool is_whole;                      /* nothing was left out */
} work;

static need need_of(const family *known, const tm_table *table, tm_inputs *inputs) {
    if (!known)
        return unknown_need();
    if (known->needs)
        return known->needs(table, inputs);
    double operations = known->operations(table);
    return (need){.sure_operations = operations, .operations = operations};
}

static void add_input(const tm_table_tensor *tensor, reading how, const need *needs, work *done) {
    static const part all = {1, 1, true}, none = {0, 0, true}, usual = {0, 1, true};
    const part of[] = {all, usual, none, needs->stored, needs->asked, needs->listed};
    double bytes = tensor_bytes(tensor);
    done->read += of[how].sure * bytes;
    done->usually += (of[how].needed - of[how].sure) * bytes;
    done->is_whole = done->is_whole && of[how].exact;
}

static work work_of(const tm_table *table, tm_inputs *inputs) {
    const family *known = find_family(table->op_type);
    need needs = need_of(known, table, inputs);
    work done = {.is_whole = known != NULL && needs.operations >= 0,
                 .sure_operations = larger(0, needs.sure_operations),
                 .operations = larger(0, needs.operations)};
    for (size_t i = 0; known && i < table->input_count; i++) {
        const tm_table_tensor *tensor = &table->tensors[i];
        add_input(tensor, known->reads ? known->reads(table, tensor->name) : READ, &needs, &done);
    }
    for (size_t i = 0; i < table->output_count; i++)
        done.written += tensor_bytes(&table->tensors[table->input_count + i]);
    return done;
}

/* A number above 0, else 0. */
static double figure(const tm_node *object, const char *key) {
    const tm_node *node = tm_node_get(object, key);
    return node && node->type == TM_NODE_NUMBER && node->number > 0 ? node->number : 0;
}

/* The narrowest of the inputs decides how fast the device may multiply. */
static tm_dtype operand_dtype(const tm_table *table) {
    tm_dtype narrowest = TM_DTYPE_FLOAT32;
    for (size_t i = 0; i < table->input_count; i++)
        if (tm_dtype_is_float(table->tensors[i].dtype) && !table->tensors[i].is_scalar &&
            tm_dtype_bits(table->tensors[i].dtype) < tm_dtype_bits(narrowest))
            narrowest = table->tensors[i].dtype;
    return narrowest;
}

/* Operations per second of a dtype; where it has no rate of its own (a CPU) that of float32, to
 * which it is widened. */
static double rate_of(const tm_node *rates, tm_dtype dtype) {
    double own = figure(rates, tm_dtype_name(dtype));
    return own > 0 ? own : figure(rates, tm_dtype_name(TM_DTYPE_FLOAT32));
}

/* What no product of these operands exceeds; 0: not known. Wide operands may be rounded to 16 bits
 * within the tolerances, so all dtypes from there on count; and the operands' own has to be among
 * them. */
static double most_of(const tm_node *rates, tm_dtype dtype) {
    int bits = tm_dtype_bits(dtype) < 16 ? 0 : 16;
    double most = figure(rates, tm_dtype_name(dtype));
    for (int other = 0; most > 0 && other < TM_DTYPE_COUNT; other++) {
        double rate = figure(rates, tm_dtype_name((tm_dtype)other));
        if (tm_dtype_bits((tm_dtype)other) >= bits && rate > most)
            most = rate;
    }
    return most;
}

/* Outputs up to the cache's size may still be in there when the call ends; of a device whose cache
 * is not known, all of them. */
static double floor_bytes(const work *done, const tm_node *device) {
    double cache = figure(device, "cache_bytes");
    return done->read + (cache > 0 ? larger(0, done->written - cache) : 0);
}

const char *tm_bound_name(tm_bound bound) {
    return bound == TM_BOUND_MEMORY ? "memory" : "compute";
}

bool tm_floor_of(const tm_table *table, tm_inputs *inputs, const tm_node *ceilings,
                 int device_index, tm_floor *out) {
    const tm_node *devices = tm_node_get(ceilings, "devices");
    const tm_node *device = devices ? devices->child : NULL;
    for (int i = 0; device && i < device_index; i++)
        device = device->next;
    double copy = figure(device, "copy_bytes_per_s"), most = figure(device, "most_bytes_per_s");
    if (copy <= 0)
        return false;
    work done = work_of(table, inputs);
    tm_dtype dtype = operand_dtype(table);
    double rate = rate_of(tm_node_get(device, "operations_per_s"), dtype);
    double most_rate = most_of(tm_node_get(device, "most_operations_per_s"), dtype);
    double bytes = done.read + done.usually + done.written;
    double bytes_ns = 1e9 * bytes / copy;
    double operations_ns = rate > 0 ? 1e9 * done.operations / rate : 0;
    double floor_bytes_ns = most > 0 ? 1e9 * floor_bytes(&done, device) / most : 0;
    double floor_operations_ns = most_rate > 0 ? 1e9 * done.sure_operations / most_rate : 0;
    bool is_known = done.is_whole && (done.operations <= 0 || rate > 0);
    *out = (tm_floor){.least_bytes = bytes, .operations = done.operations};
    out->limit_ns = is_known ? larger(bytes_ns, operations_ns) : 0;
    out->floor_ns = larger(floor_bytes_ns, floor_operations_ns);
    bool compute = is_known ? operations_ns > bytes_ns : floor_operations_ns > floor_bytes_ns;
    out->bound = compute ? TM_BOUND_COMPUTE : TM_BOUND_MEMORY;
    return true;
}
