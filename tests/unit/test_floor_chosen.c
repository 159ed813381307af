/* test_floor_chosen: floors and limits of rows whose inputs choose what is read, against figures
 * worked out by hand: listed entries, block tables, experts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/floor.h"
#include "lib/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* As in test_floor: 4e12 bytes/s, of which nothing moves more than 5e12. */
static const char ceilings[] =
    "{\"devices\": [{\"copy_bytes_per_s\": 4e12, \"most_bytes_per_s\": 5e12,"
    " \"cache_bytes\": 1000,"
    " \"operations_per_s\": {\"float32\": 1e14, \"bfloat16\": 8e14, \"float8_e4m3fn\": 16e14},"
    " \"most_operations_per_s\": {\"float32\": 2e14, \"bfloat16\": 10e14,"
    " \"float8_e4m3fn\": 20e14}}]}";

static tm_floor floor_of(const tm_table *table, const void *const *data) {
    tm_arena *arena = tm_arena_create();
    tm_source source = {"ceilings.json", ceilings, strlen(ceilings)};
    const tm_node *node = tm_json_parse_all(arena, &source, tm_diag_create(arena));
    tm_inputs *inputs = tm_inputs_create_given(table, data);
    tm_floor floor = {0};
    assert_true(tm_floor_of(table, inputs, node, 0, &floor));
    tm_inputs_destroy(inputs);
    tm_arena_destroy(arena);
    return floor;
}

static void assert_near(double got, double expected) {
    if (!(got >= expected * (1 - 1e-12) && got <= expected * (1 + 1e-12)))
        fail_msg("expected %.17g, got %.17g", expected, got);
}

/* Three tokens over a cache of 3 pages of 2 entries, 3 listed for each; two heads. */
static tm_floor sparse_floor(const int32_t *listed, tm_fill fill) {
    static const tm_table_axis axes[] = {
        {"num_tokens", 3, false},  {"num_qo_heads", 2, true}, {"head_dim_ckv", 4, true},
        {"head_dim_kpe", 2, true}, {"page_size", 2, true},    {"num_pages", 3, false},
    };
    const tm_table_tensor tensors[] = {
        {"q_nope", TM_DTYPE_BFLOAT16, false, 3, {3, 2, 4}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"q_pe", TM_DTYPE_BFLOAT16, false, 3, {3, 2, 2}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"ckv_cache", TM_DTYPE_BFLOAT16, false, 3, {3, 2, 4}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"kpe_cache", TM_DTYPE_BFLOAT16, false, 3, {3, 2, 2}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"sparse_indices", TM_DTYPE_INT32, false, 2, {3, 3}, fill, 0, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 3, {3, 2, 4}, TM_FILL_OUTPUT, 0, 0, 0, 0},
        {"lse", TM_DTYPE_FLOAT32, false, 2, {3, 2}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    const tm_table table = {.definition = "dsa_sparse_attention_x",
                            .op_type = "dsa_paged",
                            .axes = axes,
                            .axis_count = COUNT(axes),
                            .tensors = tensors,
                            .input_count = 5,
                            .output_count = 2};
    return floor_of(&table, (const void *const[]){NULL, NULL, NULL, NULL, listed});
}

/* Entries 0, 5 and, from the end, 4: 3 of 6, by 4 pairs; the last token asks nothing. */
static void test_listed(void **state) {
    (void)state;
    static const int32_t listed[] = {0, 5, -1, 5, 5, -2, -1, -1, -1};
    static const int32_t outside[] = {0, 6, -1, 5, 5, -2, -1, -1, -1};
    tm_floor floor = sparse_floor(listed, TM_FILL_BLOB);
    assert_near(floor.least_bytes, 32 + 16 + 24 + 12 + 36 + 48 + 24);
    assert_near(floor.operations, 2 * 4 * 2 * (4 + 2 + 4));
    assert_near(floor.limit_ns, 192 / 4000.0);
    assert_near(floor.floor_ns, 120 / 5000.0);
    floor = sparse_floor(outside, TM_FILL_BLOB);
    assert_near(floor.least_bytes, 36 + 48 + 24);
    assert_true(floor.operations == 0 && floor.limit_ns == 0);
    floor = sparse_floor(listed, TM_FILL_RANDOM);
    assert_true(floor.operations == 0 && floor.limit_ns == 0);
}

/* Five sequences over 4 pages of 2 tokens, of which the 2 best are wanted. The first has 3 tokens
 * in pages 3 and 1, the second 4 there. The third wants all it has; the fourth, cut to its pages,
 * too, as one of these is none. The last has page 1 twice. 3 + 4 + 2 pairs, 4 of 8 tokens, 3 of 5
 * queries, 9 of 10 entries of the block table. */
static void test_lengths(void **state) {
    (void)state;
    static const int32_t lengths[] = {3, 4, 2, 9, 4};
    static const int32_t pages[] = {3, 1, 1, 3, 2, 2, 0, -1, 1, 1};
    static const tm_table_axis axes[] = {
        {"batch_size", 5, false},    {"num_index_heads", 2, true},
        {"index_head_dim", 4, true}, {"page_size", 2, true},
        {"topk", 2, true},           {"max_num_pages", 2, false},
        {"num_pages", 4, false},
    };
    tm_table_tensor tensors[] = {
        {"q_index_fp8", TM_DTYPE_FLOAT8_E4M3FN, false, 3, {5, 2, 4}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"k_index_cache_fp8", TM_DTYPE_INT8, false, 4, {4, 2, 1, 8}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"weights", TM_DTYPE_FLOAT32, false, 2, {5, 2}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"seq_lens", TM_DTYPE_INT32, false, 1, {5}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"block_table", TM_DTYPE_INT32, false, 2, {5, 2}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"topk_indices", TM_DTYPE_INT32, false, 2, {5, 2}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    const tm_table table = {.definition = "dsa_topk_indexer_x",
                            .op_type = "dsa_paged",
                            .axes = axes,
                            .axis_count = COUNT(axes),
                            .tensors = tensors,
                            .input_count = 5,
                            .output_count = 1};
    const void *const data[] = {NULL, NULL, NULL, lengths, pages};
    tm_floor floor = floor_of(&table, data);
    assert_near(floor.least_bytes, 24 + 32 + 24 + 20 + 36 + 40);
    assert_near(floor.operations, 2 * 9 * 2 * 4);
    assert_near(floor.limit_ns, 176 / 4000.0);
    assert_near(floor.floor_ns, 136 / 5000.0);
    tensors[4].fill = TM_FILL_RANDOM;
    floor = floor_of(&table, data);
    assert_near(floor.least_bytes, 20 + 40);
    assert_true(floor.operations == 0 && floor.limit_ns == 0);
}

/* A mixture of experts; of each expert here 100 bytes of weights, of each token 20 bytes in and 20
 * out. */
typedef struct {
    const char *definition;
    const char *name; /* of what chooses */
    tm_dtype dtype;
    int64_t tokens, columns, here;
    int64_t inner; /* intermediate_size; hidden_size is 10 */
    const void *data;
    const uint16_t *bias; /* of DeepSeek's routing, or NULL */
    int64_t offset;
} mixture;

static tm_floor moe_floor(const mixture *of) {
    const tm_table_axis axes[] = {{"seq_len", of->tokens, false},
                                  {"num_local_experts", of->here, true},
                                  {"hidden_size", 10, true},
                                  {"intermediate_size", of->inner, true},
                                  {"top_k", 2, true}};
    const tm_table_tensor tensors[] = {
        {of->name, of->dtype, false, 2, {of->tokens, of->columns}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"hidden_states",
         TM_DTYPE_BFLOAT16,
         false,
         2,
         {of->tokens, 10},
         TM_FILL_RANDOM,
         0,
         0,
         0,
         0},
        {"gemm1_weights", TM_DTYPE_FLOAT32, false, 2, {of->here, 25}, TM_FILL_RANDOM, 0, 0, 0, 0},
        {"routing_bias", TM_DTYPE_BFLOAT16, false, 1, {of->columns}, TM_FILL_BLOB, 0, 0, 0, 0},
        {"local_expert_offset", TM_DTYPE_INT32, true, 0, {0}, TM_FILL_SCALAR, of->offset, 0, 0, 0},
        {"output", TM_DTYPE_BFLOAT16, false, 2, {of->tokens, 10}, TM_FILL_OUTPUT, 0, 0, 0, 0},
    };
    /* Without a bias its place and the offset's are the output's. */
    tm_table_tensor given[COUNT(tensors)];
    memcpy(given, tensors, sizeof given);
    if (!of->bias)
        given[3] = tensors[5];
    const tm_table table = {.definition = of->definition,
                            .op_type = "moe",
                            .axes = axes,
                            .axis_count = of->bias ? 4 : 5,
                            .tensors = given,
                            .input_count = of->bias ? 5 : 3,
                            .output_count = 1};
    return floor_of(&table, (const void *const[]){of->data, NULL, NULL, of->bias, NULL});
}

/* Experts 4 to 7 of 8 are here, in groups of two, two of which are kept; 6 has a bias of 0.5.
 * Sigmoids of the logits: 3 0.953, 2 0.881, 1.5 0.818, 1.49 0.816, 1 0.731, 0 0.5, -3 0.047.
 * The first token has 6 and 0. The second has 6 and 4, the latter nearly 7. The third has none
 * here, as the group of 4 is not kept. The fourth has 6, whose own sigmoid is next to nothing. */
static const float ds_logits[] = {
    3,  3,  -3, -3, 0,    -1, 1,   -2,    /* kept: 0, 3 */
    -3, -3, -3, -3, 1.5f, -4, 1,   1.49f, /* 2, 3 */
    2,  2,  2,  2,  4,    -9, 0,   0,     /* 0, 1 */
    -3, -3, -3, -3, -3,   -3, -30, -3,    /* 3, 0 */
};
static const uint16_t ds_bias[] = {0, 0, 0, 0, 0, 0, 0x3f00, 0};
static const mixture ds = {"moe_ds_routing_topk2_ng4_kg2_e4",
                           "routing_logits",
                           TM_DTYPE_FLOAT32,
                           4,
                           8,
                           4,
                           5,
                           ds_logits,
                           ds_bias,
                           4};

/* 3 of 4 tokens, 2 of 4 experts, 4 pairs; surely 2 tokens, expert 6, and 2 pairs. */
static void test_deepseek(void **state) {
    (void)state;
    tm_floor floor = moe_floor(&ds);
    assert_near(floor.least_bytes, 128 + 16 + 60 + 200 + 80);
    assert_near(floor.operations, 6 * 4 * 10 * 5);
    assert_near(floor.limit_ns, 484 / 4000.0);
    assert_near(floor.floor_ns, (128 + 16 + 40 + 100) / 5000.0);
    mixture wide = ds;
    wide.inner = 5000000000; /* as many operations that they decide */
    floor = moe_floor(&wide);
    assert_near(floor.limit_ns, 6 * 4 * 10 * 5e9 / 8e5);
    assert_near(floor.floor_ns, 6 * 2 * 10 * 5e9 / 10e5);
}

/* Two of three groups are kept, by 1.905, 1.462 and 1.457: 0 and 1 are chosen. But with the third
 * group in place of the second 4 is, and only one of them. */
static void test_deepseek_near(void **state) {
    (void)state;
    static const float logits[] = {3, 3, 1, 1, 4, -0.1f};
    static const uint16_t bias[6] = {0};
    const mixture near = {"moe_ds_routing_topk2_ng3_kg2_e6",
                          "routing_logits",
                          TM_DTYPE_FLOAT32,
                          1,
                          6,
                          6,
                          5,
                          logits,
                          bias,
                          0};
    tm_floor floor = moe_floor(&near);
    assert_near(floor.least_bytes, 24 + 12 + 20 + 200 + 20);
    assert_near(floor.floor_ns, (24 + 12) / 5000.0);
}

/* No rule, and a logit that is none. */
static void test_deepseek_unknown(void **state) {
    (void)state;
    float logits[COUNT(ds_logits)];
    memcpy(logits, ds_logits, sizeof logits);
    mixture unknown = ds;
    unknown.data = logits;
    assert_true(moe_floor(&unknown).limit_ns > 0);
    memset(&logits[9], 0xff, sizeof *logits);
    tm_floor floor = moe_floor(&unknown);
    assert_near(floor.least_bytes, 128 + 16 + 80);
    assert_true(floor.limit_ns == 0 && floor.operations == 0);
    unknown.data = ds_logits;
    unknown.definition = "moe_ds_routing";
    assert_true(moe_floor(&unknown).limit_ns == 0);
    unknown.definition = "moe_ds_routing_topk5_ng4_kg2_e4"; /* of 4 in the kept groups */
    assert_true(moe_floor(&unknown).limit_ns == 0);
}

/* Three tokens have two of eight experts each: 0 and 1, 2 and 3, 4 and 5; of the last three the
 * sigmoids are 1 but for rounding. */
static void test_logits(void **state) {
    (void)state;
    static const float logits[] = {5, 4, 0, 0, 0,  0,  0,  0, /* */
                                   0, 0, 4, 5, 0,  0,  0,  0, /* */
                                   0, 0, 0, 0, 12, 11, 10, 0};
    const mixture here = {"moe_x", "routing_logits", TM_DTYPE_FLOAT32, 3, 8, 8, 5, logits, NULL, 0};
    tm_floor floor = moe_floor(&here);
    assert_near(floor.least_bytes, 96 + 60 + 600 + 60);
    assert_near(floor.operations, 6 * 6 * 10 * 5);
    assert_near(floor.limit_ns, 816 / 4000.0);
    assert_near(floor.floor_ns, (96 + 60 + 400) / 5000.0);
}

/* Four tokens' packed choices: expert 1 twice; one that there is not, and 2 without weight; none;
 * 1 and 3. */
static void test_packed(void **state) {
    (void)state;
    static const int32_t ids[] = {0x13f80, 0x13f00, 0x73f80, 0x20000,
                                  -1,      0x43f80, 0x13f80, 0x33f80};
    const mixture routed = {"moe_x", "topk_ids", TM_DTYPE_INT32, 4, 2, 4, 5, ids, NULL, 0};
    tm_floor floor = moe_floor(&routed);
    assert_near(floor.least_bytes, 32 + 40 + 200 + 80);
    assert_near(floor.operations, 6 * 3 * 10 * 5);
    assert_near(floor.limit_ns, 352 / 4000.0);
    assert_near(floor.floor_ns, 272 / 5000.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed),           cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_deepseek),         cmocka_unit_test(test_deepseek_near),
        cmocka_unit_test(test_deepseek_unknown), cmocka_unit_test(test_logits),
        cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
