/* test_floor: floors and limits against figures worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/floor.h"
#include "lib/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* An H200 with round figures: 4e12 bytes/s, of which nothing moves more than 5e12, and 1000 bytes
 * of L2. The second device is twice as fast. */
static const char two_devices[] =
    "{\"devices\": ["
    "{\"copy_bytes_per_s\": 4e12, \"most_bytes_per_s\": 5e12, \"cache_bytes\": 1000,"
    " \"operations_per_s\": {\"float32\": 1e14, \"bfloat16\": 8e14, \"float8_e4m3fn\": 16e14},"
    " \"most_operations_per_s\": {\"float32\": 2e14, \"bfloat16\": 10e14, "
    "\"float8_e4m3fn\": 20e14}},"
    "{\"copy_bytes_per_s\": 8e12, \"most_bytes_per_s\": 10e12, \"cache_bytes\": 1000}]}";
static const char cpu[] = "{\"devices\": [{\"copy_bytes_per_s\": 1e10, \"most_bytes_per_s\": 4e10,"
                          " \"operations_per_s\": {\"float32\": 1e11},"
                          " \"most_operations_per_s\": {}}]}";

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
} fixture;

static int set_up(void **state) {
    fixture *f = test_malloc(sizeof *f);
    f->arena = tm_arena_create();
    f->diag = tm_diag_create(f->arena);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    tm_arena_destroy(f->arena);
    test_free(f);
    return 0;
}

static tm_floor floor_with(void **state, const tm_table *table, tm_inputs *inputs,
                           const char *ceilings, int device) {
    fixture *f = *state;
    tm_source source = {"ceilings.json", ceilings, strlen(ceilings)};
    const tm_node *node = tm_json_parse_all(f->arena, &source, f->diag);
    tm_floor floor = {0};
    assert_non_null(node);
    assert_true(tm_floor_of(table, inputs, node, device, &floor));
    return floor;
}

static tm_floor floor_of(void **state, const tm_table *table, const char *ceilings, int device) {
    return floor_with(state, table, NULL, ceilings, device);
}

static void assert_near(double got, double expected) {
    if (!(got >= expected * (1 - 1e-12) && got <= expected * (1 + 1e-12)))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

/* 14509 rows of 4096 bfloat16, and a weight of 4096. */
static const tm_table_axis rmsnorm_axes[] = {{"batch_size", 14509, false},
                                             {"hidden_size", 4096, true}};
static const tm_table_tensor rmsnorm_tensors[] = {
    {"hidden_states", TM_DTYPE_BFLOAT16, false, 2, {14509, 4096}, TM_FILL_RANDOM, 0, 0, 0, 0},
    {"weight", TM_DTYPE_BFLOAT16, false, 1, {4096}, TM_FILL_RANDOM, 0, 0, 0, 0},
    {"bias", TM_DTYPE_BFLOAT16, false, 2, {14509, 4096}, TM_FILL_ABSENT, 0, 0, 0, 0},
    {"eps", TM_DTYPE_FLOAT32, true, 0, {0}, TM_FILL_SCALAR, 0, 1e-5, 0, 0},
    {"output", TM_DTYPE_BFLOAT16, false, 2, {14509, 4096}, TM_FILL_OUTPUT, 0, 0, 0, 0},
};
static const tm_table rmsnorm = {.op_type = "rmsnorm",
                                 .axes = rmsnorm_axes,
                                 .axis_count = COUNT(rmsnorm_axes),
                                 .tensors = rmsnorm_tensors,
                                 .input_count = 4,
                                 .output_count = 1};

/* 14509 * 4096 * 2 = 118857728 bytes in and as many out, 8192 of the weight; an absent input and a
 * scalar are nothing. */
static void test_bytes(void **state) {
    tm_floor floor = floor_of(state, &rmsnorm, two_devices, 0);
    assert_near(floor.least_bytes, 237723648);
    assert_true(floor.operations == 0);
    assert_near(floor.limit_ns, 237723648 / 4000.0);
    assert_near(floor.floor_ns, (237723648 - 1000) / 5000.0);
    assert_int_equal(floor.bound, TM_BOUND_MEMORY);
}

static void test_second_device(void **state) {
    tm_floor floor = floor_of(state, &rmsnorm, two_devices, 1);
    assert_near(floor.limit_ns, 237723648 / 8000.0);
    assert_near(floor.floor_ns, (237723648 - 1000) / 10000.0);
}

/* Without a known cache no output has to reach memory. */
static void test_unknown_cache(void **state) {
    tm_floor floor = floor_of(state, &rmsnorm, cpu, 0);
    assert_near(floor.limit_ns, 237723648 / 10.0);
    assert_near(floor.floor_ns, (118857728 + 8192) / 40.0);
}

/* M = 4, N = 8, K = 16 of some dtype: (64 + 128 + 32) elements, 1024 operations. */
static tm_floor gemm_floor(void **state, int64_t times, tm_dtype dtype, const char *ceilings) {
    int64_t m = 4 * times, n = 8 * times, k = 16 * times;
    const tm_table_axis axes[] = {{"M", m, false}, {"N", n, true}, {"K", k, true}};
    const tm_table_tensor tensors[] = {
        {"A", dtype, false, 2, {m, k}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"B", dtype, false, 2, {n, k}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"C", dtype, false, 2, {m, n}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    tm_table table = {.op_type = "gemm",
                      .axes = axes,
                      .axis_count = 3,
                      .tensors = tensors,
                      .input_count = 2,
                      .output_count = 1};
    return floor_of(state, &table, ceilings, 0);
}

static void test_small_product(void **state) {
    tm_floor floor = gemm_floor(state, 1, TM_DTYPE_BFLOAT16, two_devices);
    assert_near(floor.least_bytes, 448);
    assert_near(floor.operations, 1024);
    assert_near(floor.limit_ns, 448 / 4000.0);
    assert_near(floor.floor_ns, 384 / 5000.0); /* the output stays in the cache */
    assert_int_equal(floor.bound, TM_BOUND_MEMORY);
}

/* A thousand times each way: 1.024e12 operations over 448e6 bytes. */
static void test_large_product(void **state) {
    tm_floor floor = gemm_floor(state, 1000, TM_DTYPE_BFLOAT16, two_devices);
    assert_near(floor.operations, 1.024e12);
    assert_near(floor.limit_ns, 1.024e12 / 8e5);
    assert_near(floor.floor_ns, 1.024e12 / 10e5);
    assert_int_equal(floor.bound, TM_BOUND_COMPUTE);
    floor = gemm_floor(state, 1000, TM_DTYPE_FLOAT8_E4M3FN, two_devices);
    assert_near(floor.limit_ns, 1.024e12 / 16e5);
    assert_near(floor.floor_ns, 1.024e12 / 20e5);
}

/* Operands in float32 may be rounded to 16 bits, not to 8. */
static void test_wide_operands(void **state) {
    tm_floor floor = gemm_floor(state, 1000, TM_DTYPE_FLOAT32, two_devices);
    assert_near(floor.limit_ns, 1.024e12 / 1e5);
    assert_near(floor.floor_ns, 1.024e12 / 10e5);
}

/* A CPU widens what it has no rate for, and its operations accuse nobody. */
static void test_widened_operands(void **state) {
    tm_floor floor = gemm_floor(state, 1000, TM_DTYPE_BFLOAT16, cpu);
    assert_near(floor.limit_ns, 1.024e12 / 1e2);
    assert_near(floor.floor_ns, 384e6 / 40.0);
    assert_int_equal(floor.bound, TM_BOUND_COMPUTE);
}

/* Without a rate for its operations a product has no limit, only a floor. */
static void test_unknown_rate(void **state) {
    static const char memory_only[] = "{\"devices\": [{\"copy_bytes_per_s\": 4e12, "
                                      "\"most_bytes_per_s\": 5e12, \"cache_bytes\": 1000}]}";
    tm_floor floor = gemm_floor(state, 1000, TM_DTYPE_BFLOAT16, memory_only);
    assert_true(floor.limit_ns == 0);
    assert_near(floor.floor_ns, (448e6 - 1000) / 5000.0);
    assert_int_equal(floor.bound, TM_BOUND_MEMORY);
}

/* What a definition of a recurrent family has: the axes and tensors that matter here. */
typedef struct {
    const char *op_type;
    tm_table_axis axes[4];
    size_t axis_count;
    tm_fill state; /* random, or absent */
} recurrence;

/* One output of 2000 bytes; inputs of 2000 bytes, of 30800 (the state) and of 4000. */
static tm_floor recurrent_floor(void **state, const recurrence *of, const char *third) {
    const tm_table_tensor tensors[] = {
        {"q", TM_DTYPE_BFLOAT16, false, 2, {10, 100}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"state", TM_DTYPE_FLOAT32, false, 2, {77, 100}, of->state, 0, 0, 0, 0},
        {third, TM_DTYPE_FLOAT32, false, 1, {1000}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 2, {10, 100}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    tm_table table = {.op_type = of->op_type,
                      .axes = of->axes,
                      .axis_count = of->axis_count,
                      .tensors = tensors,
                      .input_count = 3,
                      .output_count = 1};
    return floor_of(state, &table, two_devices, 0);
}

static void test_gdn_decode(void **state) {
    const recurrence decode = {"gdn", {{"batch_size", 10, false}, {"seq_len", 1, true}}, 2, 0};
    tm_floor floor = recurrent_floor(state, &decode, "v");
    assert_near(floor.least_bytes, 2000 + 30800 + 4000 + 2000);
    assert_near(floor.limit_ns, 38800 / 4000.0);
    assert_near(floor.floor_ns, 37800 / 5000.0);
}

/* The buffer of states in between need not be touched; two products for each token. */
static void test_gdn_mtp(void **state) {
    const recurrence mtp = {"gdn",
                            {{"batch_size", 1000, false},
                             {"seq_len", 3, false},
                             {"num_v_heads", 100, true},
                             {"head_size", 10, true}},
                            4,
                            TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &mtp, "intermediate_states_buffer");
    assert_near(floor.least_bytes, 2000 + 30800 + 2000);
    assert_near(floor.operations, 4 * 3000.0 * 100 * 100);
    assert_int_equal(floor.bound, TM_BOUND_COMPUTE);
}

/* States may belong to sequences without tokens: counted for the limit, not for the floor. Without
 * a state only the new one is surely formed. */
static void test_gdn_prefill(void **state) {
    recurrence prefill = {"gdn",
                          {{"total_seq_len", 1, false},
                           {"num_seqs", 77, false},
                           {"num_v_heads", 1, true},
                           {"head_size", 10, true}},
                          4,
                          TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &prefill, "v");
    assert_near(floor.least_bytes, 2000 + 30800 + 4000 + 2000);
    assert_near(floor.limit_ns, 38800 / 4000.0);
    assert_near(floor.floor_ns, 7000 / 5000.0);
    assert_near(floor.operations, 600);
    prefill.state = TM_FILL_ABSENT;
    floor = recurrent_floor(state, &prefill, "v");
    assert_near(floor.least_bytes, 8000);
    assert_near(floor.operations, 200);
}

static void test_mamba(void **state) {
    const recurrence decode = {"mamba_ssu", {{"batch_size", 10, false}}, 1, TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &decode, "A");
    assert_near(floor.least_bytes, 2000 + 30800 + 2000);
    assert_near(floor.limit_ns, 34800 / 4000.0);
    assert_near(floor.floor_ns, 31800 / 5000.0);
}

/* Of the table of angles only the rows of positions that occur. */
static void test_rope(void **state) {
    const recurrence rope = {"rope", {{"num_tokens", 10, false}}, 1, TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &rope, "cos_sin_cache");
    assert_near(floor.least_bytes, 2000 + 30800 + 2000);
    assert_near(floor.limit_ns, 34800 / 4000.0);
    assert_near(floor.floor_ns, 33800 / 5000.0);
}

/* A row that is not filtered need not be read to its end. */
static void test_sampling(void **state) {
    const recurrence sampling = {"sampling", {{"batch_size", 10, false}}, 1, TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &sampling, "probs");
    assert_near(floor.least_bytes, 2000 + 30800 + 4000 + 2000);
    assert_near(floor.limit_ns, 38800 / 4000.0);
    assert_near(floor.floor_ns, 33800 / 5000.0);
}

/* Only what lists entries is surely read, and how many it lists is not known. */
static void test_dsa(void **state) {
    const recurrence dsa = {"dsa_paged", {{"num_tokens", 10, false}}, 1, TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &dsa, "sparse_indices");
    assert_near(floor.least_bytes, 4000 + 2000);
    assert_true(floor.limit_ns == 0);
    assert_near(floor.floor_ns, 5000 / 5000.0);
}

/* Six tokens or one, two of eight experts each: logits of 4 bytes, 20 of hidden_states, 800 of
 * weights, outputs of 20. `third`: a scalar or tensor that says where experts are. */
static tm_floor moe_floor(void **state, int64_t tokens, const char *first, const char *third) {
    const tm_table_axis axes[] = {{"seq_len", tokens, false},
                                  {"num_experts", 8, true},
                                  {"top_k", 2, true},
                                  {"hidden_size", 10, true},
                                  {"intermediate_size", 5, true}};
    const tm_table_tensor tensors[] = {
        {first, TM_DTYPE_BFLOAT16, false, 2, {tokens, 2}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"hidden_states", TM_DTYPE_BFLOAT16, false, 2, {tokens, 10}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"gemm1_weights", TM_DTYPE_FLOAT32, false, 2, {8, 25}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {third, TM_DTYPE_BFLOAT16, false, 1, {8}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 2, {tokens, 10}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    tm_table table = {.op_type = "moe",
                      .axes = axes,
                      .axis_count = COUNT(axes),
                      .tensors = tensors,
                      .input_count = 4,
                      .output_count = 1};
    return floor_of(state, &table, two_devices, 0);
}

/* Of the weights only those of one token's experts are surely read, and where there is one token no
 * more; the bias of this routing is not. */
static void test_moe(void **state) {
    tm_floor floor = moe_floor(state, 6, "routing_logits", "routing_bias");
    assert_near(floor.least_bytes, 24 + 120 + 200 + 120);
    assert_near(floor.operations, 6 * 6 * 2 * 50);
    assert_true(floor.limit_ns == 0);
    floor = moe_floor(state, 1, "routing_logits", "routing_bias");
    assert_near(floor.least_bytes, 4 + 20 + 200 + 20);
    assert_near(floor.limit_ns, 244 / 4000.0);
}

/* Where experts are elsewhere, or were chosen before, a token may need nothing. */
static void test_moe_elsewhere(void **state) {
    tm_floor floor = moe_floor(state, 6, "routing_logits", "local_expert_offset");
    assert_near(floor.least_bytes, 24 + 120);
    assert_true(floor.operations == 0 && floor.limit_ns == 0);
    floor = moe_floor(state, 1, "topk_ids", "output1_scales_scalar");
    assert_near(floor.least_bytes, 4 + 20);
    assert_true(floor.operations == 0 && floor.limit_ns == 0);
}

/* Three sequences, of 6, no and 8 tokens; the first page of two of them is the same: 10 tokens
 * of the cache, each 2 heads of 8 bfloat16, twice. 14 tokens, 4 heads: 4 * 14 * 4 * 8
 * operations. */
static tm_floor paged_floor(void **state, const char *definition, const int32_t *indices,
                            tm_fill fill) {
    static const int32_t starts[] = {0, 2, 2, 4}, lasts[] = {2, 1, 4};
    const tm_table_axis axes[] = {{"num_pages", 10, false},
                                  {"page_size", 4, true},
                                  {"num_qo_heads", 4, true},
                                  {"num_kv_heads", 2, true},
                                  {"head_dim", 8, true}};
    const tm_table_tensor tensors[] = {
        {"q", TM_DTYPE_BFLOAT16, false, 3, {3, 4, 8}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"k_cache", TM_DTYPE_BFLOAT16, false, 4, {10, 4, 2, 8}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"v_cache", TM_DTYPE_BFLOAT16, false, 4, {10, 4, 2, 8}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"kv_indptr", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"kv_indices", TM_DTYPE_INT32, false, 1, {4}, fill, 0, 0, 0, 0},
        {"kv_last_page_len", TM_DTYPE_INT32, false, 1, {3}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 3, {3, 4, 8}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    const tm_table table = {.definition = definition,
                            .op_type = "gqa_paged",
                            .axes = axes,
                            .axis_count = COUNT(axes),
                            .tensors = tensors,
                            .input_count = 6,
                            .output_count = 1};
    const void *const data[] = {NULL, NULL, NULL, starts, indices, lasts};
    tm_inputs *inputs = tm_inputs_create_given(&table, data);
    tm_floor floor = floor_with(state, &table, inputs, two_devices, 0);
    tm_inputs_destroy(inputs);
    return floor;
}

static void test_pages(void **state) {
    static const int32_t pages[] = {3, 5, 3, 7}, nowhere[] = {3, 5, 3, 10};
    tm_floor floor = paged_floor(state, "gqa_paged_decode_x", pages, TM_FILL_BLOB);
    assert_near(floor.least_bytes, 640 + 192 + 44 + 192);
    assert_near(floor.operations, 1792);
    assert_near(floor.limit_ns, 1068 / 4000.0);
    assert_near(floor.floor_ns, 640 / 5000.0);
    floor = paged_floor(state, "gqa_paged_decode_x", nowhere, TM_FILL_BLOB);
    assert_true(floor.limit_ns == 0 && floor.floor_ns == 0 && floor.operations == 0);
    floor = paged_floor(state, "gqa_paged_decode_x", pages, TM_FILL_RANDOM);
    assert_true(floor.limit_ns == 0 && floor.floor_ns == 0);
    floor = paged_floor(state, "gqa_paged_prefill_x", pages, TM_FILL_BLOB);
    assert_true(floor.limit_ns == 0 && floor.floor_ns == 0);
}

/* Three sequences: 3 queries see 2, 3 and 4 of 4 tokens; none have 5 tokens; of two the last sees
 * the one token: 10 pairs, and 5 of 10 tokens. Two heads, keys of 3 and values of 2 elements. */
static void test_causal(void **state) {
    static const int32_t queries[] = {0, 3, 3, 5}, keys[] = {0, 4, 9, 10};
    static const tm_table_axis axes[] = {{"num_qo_heads", 2, true},
                                         {"qk_dim", 3, true},
                                         {"vo_dim", 2, true},
                                         {"total_kv", 10, false}};
    static const tm_table_tensor tensors[] = {
        {"q", TM_DTYPE_BFLOAT16, false, 3, {5, 2, 3}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"k", TM_DTYPE_BFLOAT16, false, 3, {10, 2, 3}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"v", TM_DTYPE_BFLOAT16, false, 3, {10, 2, 2}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"qo_indptr", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"kv_indptr", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 3, {5, 2, 2}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    tm_table table = {.definition = "mla_ragged_prefill_causal_x",
                      .op_type = "mla_ragged",
                      .axes = axes,
                      .axis_count = COUNT(axes),
                      .tensors = tensors,
                      .input_count = 5,
                      .output_count = 1};
    const void *const data[] = {NULL, NULL, NULL, queries, keys};
    tm_inputs *inputs = tm_inputs_create_given(&table, data);
    tm_floor floor = floor_with(state, &table, inputs, two_devices, 0);
    assert_near(floor.least_bytes, 60 + 60 + 40 + 32 + 40);
    assert_near(floor.operations, 2 * 10 * 2 * (3 + 2));
    assert_near(floor.limit_ns, 232 / 4000.0);
    assert_near(floor.floor_ns, 100 / 5000.0);
    table.definition = "mla_ragged_prefill_windowed_x"; /* which tokens are seen is not known */
    floor = floor_with(state, &table, inputs, two_devices, 0);
    assert_near(floor.least_bytes, 60 + 32 + 40);
    assert_true(floor.operations == 0 && floor.limit_ns == 0 && floor.floor_ns == 0);
    tm_inputs_destroy(inputs);
}

/* Two sequences of 3 and 4 queries share a page of 4 tokens; one of none has two pages.
 * kv_last_page_len is as long as the offsets. 2 + 3 + 4 and 1 + 2 + 3 pairs, 4 distinct tokens. */
static void test_latent_pages(void **state) {
    static const int32_t queries[] = {0, 3, 3, 7}, starts[] = {0, 1, 3, 4}, pages[] = {2, 0, 1, 2};
    static const int32_t lasts[] = {4, 2, 3, 9};
    static const tm_table_axis axes[] = {
        {"num_qo_heads", 2, true}, {"head_dim_ckv", 4, true}, {"head_dim_kpe", 2, true},
        {"num_pages", 3, false},   {"page_size", 4, true},
    };
    static const tm_table_tensor tensors[] = {
        {"q_nope", TM_DTYPE_BFLOAT16, false, 3, {7, 2, 4}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"q_pe", TM_DTYPE_BFLOAT16, false, 3, {7, 2, 2}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"ckv_cache", TM_DTYPE_BFLOAT16, false, 3, {3, 4, 4}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"kpe_cache", TM_DTYPE_BFLOAT16, false, 3, {3, 4, 2}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"qo_indptr", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"kv_indptr", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"kv_indices", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"kv_last_page_len", TM_DTYPE_INT32, false, 1, {4}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 3, {7, 2, 4}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    const tm_table table = {.definition = "mla_paged_prefill_causal_x",
                            .op_type = "mla_paged",
                            .axes = axes,
                            .axis_count = COUNT(axes),
                            .tensors = tensors,
                            .input_count = 8,
                            .output_count = 1};
    const void *const data[] = {NULL, NULL, NULL, NULL, queries, starts, pages, lasts};
    tm_inputs *inputs = tm_inputs_create_given(&table, data);
    tm_floor floor = floor_with(state, &table, inputs, two_devices, 0);
    assert_near(floor.least_bytes, 112 + 56 + 32 + 16 + 64 + 112);
    assert_near(floor.operations, 2 * 15 * 2 * (4 + 2 + 4));
    assert_near(floor.floor_ns, 48 / 5000.0);
    tm_inputs_destroy(inputs);
}

/* Of a family that is not known only the outputs count. */
static void test_unknown_family(void **state) {
    const recurrence unknown = {"such", {{"batch_size", 10, false}}, 1, TM_FILL_RANDOM};
    tm_floor floor = recurrent_floor(state, &unknown, "v");
    assert_near(floor.least_bytes, 2000);
    assert_near(floor.floor_ns, 1000 / 5000.0);
    assert_true(floor.limit_ns == 0);
}

static void test_nothing_known(void **state) {
    fixture *f = *state;
    static const char empty[] = "{\"devices\": [{\"uuid\": \"x\"}]}";
    tm_source source = {"ceilings.json", empty, sizeof empty - 1};
    const tm_node *node = tm_json_parse_all(f->arena, &source, f->diag);
    tm_floor floor;
    assert_false(tm_floor_of(&rmsnorm, NULL, NULL, 0, &floor));
    assert_false(tm_floor_of(&rmsnorm, NULL, node, 0, &floor));
    assert_false(tm_floor_of(&rmsnorm, NULL, node, 1, &floor));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_product, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_product, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wide_operands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_widened_operands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gdn_decode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gdn_mtp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gdn_prefill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mamba, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sampling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dsa, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moe_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_causal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_latent_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_family, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_known, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
