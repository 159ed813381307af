/* Recipes: draws that are what they say and the same everywhere, and made tensors that make sense
 * for every definition and row of the public dataset. ALL=1 also makes what is larger than 1 MiB.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/model_check.h"

#include "gen/recipe_file.h"
#include "lib/file.h"
#include "tests/unit/recipe_check.h"

#define PUBLIC "../shared/dataset"
#define LARGE_BYTES ((size_t)1 << 20)

static void test_permutation(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 7, 16, 17, 64, 100, 1025, 70000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        bool *seen = calloc((size_t)sizes[s], sizeof *seen);
        int64_t fixed = 0;
        for (int64_t i = 0; i < sizes[s]; i++) {
            int64_t to = tm_draw_permuted(tm_draw_start(4, "x"), sizes[s], i);
            assert_in_range(to, 0, sizes[s] - 1);
            assert_false(seen[to]);
            seen[to] = true;
            fixed += to == i;
        }
        assert_true(sizes[s] < 16 || fixed < 8);
        free(seen);
    }
    /* Beyond 32 bits. */
    int64_t far = tm_draw_permuted(tm_draw_start(4, "x"), INT64_C(1) << 40, (INT64_C(1) << 40) - 1);
    assert_true(far >= 0 && far < INT64_C(1) << 40);
}

static void test_split(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    static const struct {
        double sigma;
        int64_t total, least, count;
    } cases[] = {{0, 10, 1, 3},
                 {0.8, 1000, 1, 7},
                 {4, 1000, 1, 7},
                 {0.8, 3, 1, 7},
                 {0.8, 7, 1, 7},
                 {0.8, 0, 1, 7},
                 {0.8, 0, 0, 1},
                 {1, 100000000000, 1, 50},
                 {0.8, 12, 0, 5},
                 {4, 999999, 1, 1000},
                 {2, 9007199254740993, 0, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t parts[1000], sum = 0;
        bool enough = cases[c].total >= cases[c].least * cases[c].count;
        tm_draw_split(tm_draw_start(1, "x"), cases[c].sigma, cases[c].total, cases[c].least,
                      cases[c].count, parts, arena);
        for (int64_t i = 0; i < cases[c].count; i++) {
            assert_true(parts[i] >= (enough ? cases[c].least : 0));
            sum += parts[i];
        }
        assert_true(sum == cases[c].total);
    }
    /* Without skew all are alike; with it the largest of many is far above the mean. */
    int64_t parts[200], largest = 0;
    tm_draw_split(tm_draw_start(1, "x"), 0, 1001, 1, 200, parts, arena);
    for (int i = 0; i < 200; i++)
        assert_in_range(parts[i], 5, 6);
    tm_draw_split(tm_draw_start(1, "x"), 0.8, 200000, 1, 200, parts, arena);
    for (int i = 0; i < 200; i++)
        largest = parts[i] > largest ? parts[i] : largest;
    assert_in_range(largest, 3000, 20000);
    tm_arena_destroy(arena);
}

static void test_functions(void **state) {
    (void)state;
    for (double x = -40; x < 40; x += 0.377)
        assert_true(fabs(tm_draw_exp(x) / exp(x) - 1) < 1e-12);
    assert_true(tm_draw_exp(-1000) == 0.0 && tm_draw_exp(0) == 1.0);
    for (double x = -300000; x < 300000; x += 37.7) {
        double sine, cosine;
        tm_draw_sine_cosine(x, &sine, &cosine);
        assert_true(fabs(sine - sin(x)) < 1e-12 && fabs(cosine - cos(x)) < 1e-12);
    }
    double mean = 0, square = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        double uniform = tm_draw_uniform(tm_draw_start(2, "u"), i);
        double normal = tm_draw_normal(tm_draw_start(2, "n"), i);
        assert_true(uniform >= 0 && uniform < 1);
        mean += uniform / 100000;
        square += normal * normal / 100000;
    }
    assert_true(fabs(mean - 0.5) < 0.005 && fabs(square - 1) < 0.02);
}

/* Axes, inputs and what is made of them, as tm-blobs reads them. */
static const tm_recipe *read_recipe(tm_node_reader *reader, const char *text) {
    const tm_recipe *recipe = tm_recipe_read(reader, model_parse(reader, text));
    if (!recipe)
        fail_msg("%s", model_messages(reader));
    return recipe;
}

static uint64_t hash_made(const tm_recipe *recipe) {
    uint64_t hash = TM_TEXT_HASH_START;
    for (size_t t = 0; t < recipe->tensor_count; t++) {
        const tm_recipe_tensor *tensor = &recipe->tensors[t];
        const char *error;
        size_t bytes;
        tm_dtype_bytes(tensor->dtype, tensor->elems, &bytes);
        unsigned char *data = tm_arena_alloc(recipe->arena, bytes);
        assert_true(tm_recipe_fill(recipe, tensor, data, &error));
        for (size_t i = 0; i < bytes; i++)
            hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* What a recipe gives is a promise: other bytes are other workloads under the same name. */
static void test_same_bytes(void **state) {
    (void)state;
    static const char attention[] =
        "{'definition': 'd', 'op_type': 'gqa_paged', 'axes': {'len_indptr': 60, 'total_q': 999,"
        " 'num_kv_indices': 300, 'num_pages': 333, 'page_size': 16}, 'inputs': {"
        "'qo_indptr': {'shape': ['len_indptr'], 'dtype': 'int32'},"
        "'kv_indptr': {'shape': ['len_indptr'], 'dtype': 'int32'},"
        "'kv_indices': {'shape': ['num_kv_indices'], 'dtype': 'int32'},"
        "'kv_last_page_len': {'shape': ['len_indptr'], 'dtype': 'int32'},"
        "'x': {'shape': ['num_pages'], 'dtype': 'bfloat16'}},"
        "'make': ['qo_indptr'], 'recipe': {'seed': 11, 'skew': 0.8}}";
    static const char moe[] =
        "{'definition': 'd', 'op_type': 'moe', 'axes': {'seq_len': 100, 'top_k': 4,"
        " 'num_experts': 16, 'hidden_size': 512}, 'inputs': {"
        "'topk_ids': {'shape': ['seq_len', 'top_k'], 'dtype': 'int32'},"
        "'gemm1_weights_scale': {'shape': ['num_experts'], 'dtype': 'float32'},"
        "'routing_logits': {'shape': ['seq_len', 'num_experts'], 'dtype': 'float32'}},"
        "'make': ['topk_ids'], 'recipe': {'seed': 11, 'skew': 0.8}}";
    static const char gdn[] =
        "{'definition': 'd', 'op_type': 'gdn', 'axes': {'n': 9, 'd': 64, 'total_seq_len': 77},"
        " 'inputs': {'k': {'shape': ['n', 'd'], 'dtype': 'bfloat16'},"
        "'A_log': {'shape': ['d'], 'dtype': 'float32'},"
        "'cu_seqlens': {'shape': ['n'], 'dtype': 'int64'}},"
        "'make': ['k'], 'recipe': {'seed': 11, 'skew': 0.8}}";
    static const char dsa[] =
        "{'definition': 'd', 'op_type': 'dsa_paged', 'axes': {'batch_size': 9, 'max_num_pages': 5,"
        " 'num_pages': 40, 'page_size': 64, 'topk': 33}, 'inputs': {"
        "'seq_lens': {'shape': ['batch_size'], 'dtype': 'int32'},"
        "'block_table': {'shape': ['batch_size', 'max_num_pages'], 'dtype': 'int32'},"
        "'sparse_indices': {'shape': ['batch_size', 'topk'], 'dtype': 'int32'}},"
        "'make': ['seq_lens'], 'recipe': {'seed': 11, 'skew': 0.8}}";
    static const char rope[] =
        "{'definition': 'd', 'op_type': 'rope', 'axes': {'max_seq_len': 999, 'rotary_dim': 64,"
        " 'num_tokens': 300}, 'inputs': {"
        "'positions': {'shape': ['num_tokens'], 'dtype': 'int64'},"
        "'cos_sin_cache': {'shape': ['max_seq_len', 'rotary_dim'], 'dtype': 'float32'}},"
        "'make': ['positions'], 'recipe': {'seed': 11, 'skew': 0.8, 'rope_theta': 500000}}";
    static const char sampling[] =
        "{'definition': 'd', 'op_type': 'sampling', 'axes': {'batch_size': 9, 'vocab_size': 333},"
        "'inputs': {'probs': {'shape': ['batch_size', 'vocab_size'], 'dtype': 'float32'},"
        "'top_k': {'shape': ['batch_size'], 'dtype': 'int32'},"
        "'top_p': {'shape': ['batch_size'], 'dtype': 'float32'}},"
        "'make': ['top_k'], 'recipe': {'seed': 11, 'skew': 0.8}}";
    tm_node_reader reader = model_begin();
    assert_int_equal(hash_made(read_recipe(&reader, dsa)), UINT64_C(0x3cd41b421dcd8c32));
    assert_int_equal(hash_made(read_recipe(&reader, rope)), UINT64_C(0xb75c6dd3edaa6c51));
    assert_int_equal(hash_made(read_recipe(&reader, sampling)), UINT64_C(0x1e3dce9d0d619d5e));
    assert_int_equal(hash_made(read_recipe(&reader, attention)), UINT64_C(0x83f77ab780204d0f));
    assert_int_equal(hash_made(read_recipe(&reader, moe)), UINT64_C(0xbf40ab9c42ba6c9a));
    assert_int_equal(hash_made(read_recipe(&reader, gdn)), UINT64_C(0x5b34dbd1fdb8e661));
    model_end(&reader);
}

static const void *fill(const tm_recipe *recipe, const char *name) {
    const tm_recipe_tensor *tensor = tm_recipe_find(recipe, name);
    const char *error;
    size_t bytes;
    assert_non_null(tensor);
    tm_dtype_bytes(tensor->dtype, tensor->elems, &bytes);
    void *data = tm_arena_alloc(recipe->arena, bytes);
    assert_true(tm_recipe_fill(recipe, tensor, data, &error));
    return data;
}

/* Slots of a padded batch, and what is alike all over a head. */
static void test_mamba(void **state) {
    (void)state;
    static const char text[] =
        "{'definition': 'd', 'op_type': 'mamba_ssu', 'axes': {'batch': 9, 'state_cache_size': 11,"
        " 'heads': 3, 'channels': 4}, 'inputs': {"
        "'state_batch_indices': {'shape': ['batch'], 'dtype': 'int32'},"
        "'dt': {'shape': ['batch', 'heads', 'channels'], 'dtype': 'float32'},"
        "'dt_bias': {'shape': ['heads', 'channels'], 'dtype': 'float32'},"
        "'A': {'shape': ['heads', 'channels', 'channels'], 'dtype': 'float32'}},"
        "'make': ['dt'], 'recipe': {'seed': 5, 'padding': 4}}";
    tm_node_reader reader = model_begin();
    const tm_recipe *recipe = read_recipe(&reader, text);
    const int32_t *slots = fill(recipe, "state_batch_indices");
    bool seen[11] = {false};
    int padding = 0;
    for (int i = 0; i < 9; i++) {
        padding += slots[i] == -1;
        assert_true(slots[i] == -1 || (slots[i] >= 0 && slots[i] < 11 && !seen[slots[i]]));
        if (slots[i] >= 0)
            seen[slots[i]] = true;
    }
    assert_int_equal(padding, 4);
    assert_true(slots[8] >= 0);
    const float *dt = fill(recipe, "dt"), *bias = fill(recipe, "dt_bias"), *A = fill(recipe, "A");
    for (int i = 0; i < 9 * 3 * 4; i++)
        assert_true(dt[i] == dt[i / 4 * 4] && (i % 4 || i == 0 || dt[i] != dt[i - 1]));
    for (int i = 0; i < 3 * 4; i++)
        assert_true(bias[i] == bias[i / 4 * 4] && bias[i] >= -7 && bias[i] < -2);
    for (int i = 0; i < 3 * 16; i++)
        assert_true(A[i] == A[i / 16 * 16] && A[i] <= -1 && A[i] >= -16);
    assert_true(bias[0] != bias[4] && A[0] != A[16]);
    model_end(&reader);
}

/* Sizes that a definition may have, by the names of its var axes. */
static const struct {
    const char *name;
    int64_t values[4];
} var_axes[] = {
    {"batch_size", {1, 3, 5, 64}},      {"len_indptr", {2, 4, 6, 65}},
    {"total_q", {1, 29, 5, 900}},       {"total_kv", {1, 29, 50, 7000}},
    {"num_kv_indices", {1, 37, 4, 90}}, {"num_pages", {1, 41, 3, 400}},
    {"max_num_pages", {1, 2, 3, 40}},   {"num_seqs", {1, 3, 5, 64}},
    {"len_cu_seqlens", {2, 4, 6, 65}},  {"total_seq_len", {1, 50, 3, 900}},
    {"pool_size", {1, 4, 5, 99}},       {"state_cache_size", {1, 4, 5, 99}},
    {"seq_len", {2, 7, 33, 100}},       {"num_tokens", {1, 9, 40, 100}},
    {"max_seq_len", {1, 50, 64, 300}},
};

static int64_t var_axis(const char *name, int size) {
    for (size_t i = 0; i < sizeof var_axes / sizeof *var_axes; i++)
        if (strcmp(var_axes[i].name, name) == 0)
            return var_axes[i].values[size];
    return 3;
}

/* A row in which every input that can be a blob, and is not large, is one. */
static void make_row(const tm_definition *definition, int size, tm_workload *row) {
    *row = (tm_workload){.definition = definition, .uuid = "row"};
    for (size_t i = 0; i < definition->axis_count; i++)
        row->axes[i] = definition->axes[i].is_const ? definition->axes[i].value
                                                    : var_axis(definition->axes[i].name, size);
    for (size_t i = 0; i < definition->input_count; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        int64_t shape[TM_MAX_RANK], elems;
        size_t bytes;
        bool small = tm_tensor_shape(tensor, row->axes, shape, &elems) &&
                     tm_dtype_bytes(tensor->dtype, elems, &bytes) && bytes <= LARGE_BYTES;
        /* int8 is the packed cache of the indexer, which is a random input. */
        if (!tensor->is_scalar && small && tensor->dtype != TM_DTYPE_INT8)
            row->inputs[i].kind = TM_INPUT_SAFETENSORS;
    }
}

static void check_definition(const tm_definition *definition) {
    for (int size = 0; size < 4; size++) {
        tm_arena *arena = tm_arena_create();
        tm_workload row;
        make_row(definition, size, &row);
        const tm_recipe *recipe =
            tm_recipe_of_row(arena, &row, tm_recipe_defaults(definition->name));
        size_t bytes = 0;
        const char *wrong = tm_recipe_check(recipe);
        if (!wrong)
            wrong = recipe_check(recipe, &bytes);
        if (wrong)
            fail_msg("%s at size %d: %s", definition->name, size, wrong);
        if (bytes == 0)
            fail_msg("%s at size %d: nothing was made", definition->name, size);
        tm_arena_destroy(arena);
    }
}

typedef struct {
    size_t definitions, rows, left_out, bytes;
} totals;

/* The rows that name blobs. */
static void check_rows(const tm_definition *definition, const char *path, totals *sum) {
    tm_node_reader reader = model_begin();
    const tm_source *source = tm_file_read(reader.arena, path);
    size_t at = 0, begin, end;
    while (source && tm_json_next_row(source, &at, &begin, &end)) {
        const tm_node *node = tm_json_parse(reader.arena, source, begin, end, reader.diag);
        const tm_workload *row = tm_workload_parse(&reader, node, definition);
        assert_non_null(row);
        tm_recipe_options options = tm_recipe_defaults(row->uuid);
        const tm_node *written = tm_node_get(tm_node_get(row->node, "tracemill"), "recipe");
        assert_true(!written || tm_recipe_parse_options(&reader, written, "recipe", &options));
        tm_arena *arena = tm_arena_create();
        const tm_recipe *recipe = tm_recipe_of_row(arena, row, options);
        size_t bytes = 0;
        for (size_t t = 0; t < recipe->tensor_count; t++) {
            size_t own;
            if (recipe->tensors[t].made &&
                tm_dtype_bytes(recipe->tensors[t].dtype, recipe->tensors[t].elems, &own))
                bytes += own;
        }
        const char *wrong = tm_recipe_check(recipe);
        if (bytes > LARGE_BYTES && !getenv("ALL"))
            sum->left_out++;
        else if (bytes > 0 && !wrong) {
            wrong = recipe_check(recipe, &sum->bytes);
            sum->rows++;
        }
        if (wrong)
            fail_msg("%s of %s: %s", row->uuid, definition->name, wrong);
        tm_arena_destroy(arena);
    }
    model_end(&reader);
}

/* Every input of a dataset's definitions can be made, and what the rows want is. */
static totals check_dataset(const char *root) {
    totals sum = {0};
    size_t folder_count;
    clock_t begin = clock();
    tm_node_reader reader = model_begin();
    const char *definitions = tm_file_join(reader.arena, root, "definitions");
    const tm_file_entry *folders = tm_file_list(reader.arena, definitions, &folder_count);
    for (size_t i = 0; i < folder_count; i++) {
        size_t file_count;
        const char *folder = tm_file_join(reader.arena, definitions, folders[i].name);
        const tm_file_entry *files = tm_file_list(reader.arena, folder, &file_count);
        for (size_t j = 0; j < file_count; j++, sum.definitions++) {
            const tm_source *source =
                tm_file_read(reader.arena, tm_file_join(reader.arena, folder, files[j].name));
            const tm_definition *definition =
                tm_definition_parse(&reader, tm_json_parse_all(reader.arena, source, reader.diag));
            assert_non_null(definition);
            check_definition(definition);
            check_rows(definition,
                       tm_arena_format(reader.arena, "%s/workloads/%s/%s.jsonl", root,
                                       folders[i].name, definition->name),
                       &sum);
        }
    }
    print_message("%zu definitions, %zu rows, %zu bytes in %.1f s; %zu larger ones left out\n",
                  sum.definitions, sum.rows, sum.bytes, (double)(clock() - begin) / CLOCKS_PER_SEC,
                  sum.left_out);
    model_end(&reader);
    return sum;
}

static void test_own_dataset(void **state) {
    (void)state;
    totals sum = check_dataset(".");
    assert_true(sum.definitions > 0 && sum.rows > 0);
}

static void test_public_dataset(void **state) {
    (void)state;
    if (access(PUBLIC, R_OK) != 0) {
        print_message("SKIPPED: no public dataset at " PUBLIC "\n");
        skip();
    }
    totals sum = check_dataset(PUBLIC);
    assert_int_equal(sum.definitions, 102);
    assert_int_equal(sum.rows + sum.left_out, 393);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutation),    cmocka_unit_test(test_split),
        cmocka_unit_test(test_functions),      cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_mamba),          cmocka_unit_test(test_own_dataset),
        cmocka_unit_test(test_public_dataset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
