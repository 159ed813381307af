/* Whether samples are judged by what the definition says: masks of top-k and top-p with their ties,
 * distances of counts, and indices that a top-k indexer may select. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluator.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const tm_config plain = {.rtol = 1e-2, .atol = 1e-2};

enum { VOCABULARY = 6 };
/* 0.3 twice: tied. */
static const float probs[VOCABULARY] = {0.05f, 0.3f, 0.15f, 0.3f, 0.2f, 0.0f};

typedef struct {
    tm_table_tensor tensors[4];
    tm_table table;
    tm_inputs *inputs;
    const void *data[3];
    int32_t top_k;
    float top_p;
} fixture;

static void set_up(fixture *f, int32_t top_k, float top_p) {
    *f = (fixture){
        .tensors =
            {{.name = "probs", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {1, VOCABULARY}},
             {.name = "top_k", .dtype = TM_DTYPE_INT32, .rank = 1, .shape = {1}},
             {.name = "top_p", .dtype = TM_DTYPE_FLOAT32, .rank = 1, .shape = {1}},
             {.name = "samples", .dtype = TM_DTYPE_INT64, .rank = 1, .shape = {1}}},
        .top_k = top_k,
        .top_p = top_p};
    f->table = (tm_table){.definition = "made_up",
                          .op_type = "sampling",
                          .tensors = f->tensors,
                          .input_count = 3,
                          .output_count = 1};
    f->data[0] = probs;
    f->data[1] = &f->top_k;
    f->data[2] = &f->top_p;
    f->inputs = tm_inputs_create_given(&f->table, f->data);
}

/* Which tokens pass, a digit each. */
static const char *members(int32_t top_k, float top_p) {
    static char out[16];
    fixture f;
    size_t length = 0;
    set_up(&f, top_k, top_p);
    for (int64_t token = -1; token <= VOCABULARY; token++) {
        tm_verdict verdict;
        void *actual[] = {&token};
        tm_verdict_begin(&verdict);
        tm_evaluator_for(&f.table)->judge(&f.table, &plain, f.inputs, NULL, actual, &verdict);
        if (verdict.status == TM_STATUS_PASSED)
            out[length++] = (char)('0' + token);
    }
    out[length] = '\0';
    tm_inputs_destroy(f.inputs);
    return out;
}

static void test_masks(void **state) {
    (void)state;
    assert_string_equal(members(0, 1), "01234"); /* a k that is none, and nothing of no chance */
    assert_string_equal(members(6, 1), "01234");
    assert_string_equal(members(3, 1), "134");
    assert_string_equal(members(1, 1), "13"); /* a tie */
    assert_string_equal(members(0, 0.5f), "13");
    assert_string_equal(members(0, 0.56f), "134"); /* 0.6 of the mass is above token 4: slack */
    assert_string_equal(members(0, 0.7f), "134");
    assert_string_equal(members(0, 0.76f), "1234");
    assert_string_equal(members(0, 0), "13");
    assert_string_equal(members(0, -1), "13");
    /* Of three tokens with 0.8 in all, above token 4 there are 0.75 of the mass. */
    assert_string_equal(members(3, 0.65f), "13");
    assert_string_equal(members(3, 0.71f), "134");
}

static tm_verdict judge_counts(int32_t top_k, float top_p, const uint32_t *cells, int64_t samples,
                               bool is_own_size) {
    fixture f;
    tm_verdict verdict;
    set_up(&f, top_k, top_p);
    tm_sample_counts counts = {.rows = 1,
                               .vocabulary = VOCABULARY,
                               .samples = samples,
                               .is_own_size = is_own_size,
                               .cells = cells};
    tm_verdict_begin(&verdict);
    tm_evaluator_sampling.sampling->judge(&f.table, &plain, f.inputs, &counts, &verdict);
    tm_inputs_destroy(f.inputs);
    return verdict;
}

static void assert_tvd(int32_t top_k, float top_p, const uint32_t *cells, double tvd) {
    tm_verdict verdict = judge_counts(top_k, top_p, cells, 1000000, false);
    assert_int_equal(verdict.tvd_count, 1);
    if (fabs(verdict.tvds[0] - tvd) > 1e-6)
        fail_msg("expected a distance of %g, got %g", tvd, verdict.tvds[0]);
    assert_int_equal(verdict.status, tvd <= 0.2 ? TM_STATUS_PASSED : TM_STATUS_INCORRECT_NUMERICAL);
    tm_verdict_end(&verdict);
}

static void test_distances(void **state) {
    (void)state;
    assert_tvd(0, 1, (uint32_t[]){50000, 300000, 150000, 300000, 200000, 0, 0}, 0);
    assert_tvd(0, 1, (uint32_t[]){50000, 480000, 150000, 120000, 200000, 0, 0}, 0.18);
    assert_tvd(0, 1, (uint32_t[]){50000, 520000, 150000, 80000, 200000, 0, 0}, 0.22);
    assert_tvd(3, 1, (uint32_t[]){0, 375000, 0, 375000, 250000, 0, 0}, 0);
    /* p = 0.59: the first token before which there are 0.6 is not kept. */
    assert_tvd(0, 0.59f, (uint32_t[]){0, 500000, 0, 500000, 0, 0, 0}, 0);
    /* Which of the tied is kept is anybody's choice. */
    assert_tvd(1, 1, (uint32_t[]){0, 1000000, 0, 0, 0, 0, 0}, 0);
    assert_tvd(1, 1, (uint32_t[]){0, 300000, 0, 700000, 0, 0, 0}, 0);
    assert_tvd(0, 0, (uint32_t[]){0, 0, 0, 1000000, 0, 0, 0}, 0);
}

static void test_counts_outside(void **state) {
    (void)state;
    tm_verdict verdict = judge_counts(3, 1, (uint32_t[]){1, 3, 0, 3, 3, 0, 0}, 10, true);
    assert_int_equal(verdict.status, TM_STATUS_INCORRECT_NUMERICAL);
    assert_string_equal(verdict.reason, "samples: expected a token with a probability of 0.2 or "
                                        "more in row 0, which its mask leaves, got 0 with 0.05");
    verdict = judge_counts(3, 1, (uint32_t[]){0, 4, 0, 3, 3, 0, 1}, 11, false);
    assert_int_equal(verdict.status, TM_STATUS_INCORRECT_NUMERICAL);
    assert_string_equal(verdict.reason, "samples: expected a token of the vocabulary of 6 in row "
                                        "0, got one outside of it");
    tm_verdict_end(&verdict);
}

/* Few samples raise the limit; calls of the row's own size are only told from what is far off. */
static void test_limits(void **state) {
    (void)state;
    tm_verdict verdict = judge_counts(0, 1, (uint32_t[]){0, 3, 0, 1, 0, 0, 0}, 4, false);
    assert_int_equal(verdict.status, TM_STATUS_PASSED);
    assert_true(verdict.tvd_limit == 1);
    tm_verdict_end(&verdict);
    verdict = judge_counts(0, 1, (uint32_t[]){50, 300, 150, 300, 200, 0, 0}, 1000, true);
    assert_int_equal(verdict.status, TM_STATUS_PASSED);
    /* In units of the largest, 0.8167 on average, with a variance of 0.0608: 58.7 by Bernstein's
     * inequality, and 200 that the threshold lets pass. */
    verdict = judge_counts(0, 1, (uint32_t[]){1000, 0, 0, 0, 0, 0, 0}, 1000, true);
    assert_int_equal(verdict.status, TM_STATUS_INCORRECT_NUMERICAL);
    assert_string_equal(verdict.reason,
                        "samples: tokens come that are less likely than those of an honest "
                        "sampler, over 1000 samples of each row in calls of its own size: "
                        "expected a sum of probabilities of 816.7 +- 258.7, got 166.7");
}

/* Honest draws of a flat distribution over many tokens stay below the limit of few samples. */
static void test_honest_noise(void **state) {
    (void)state;
    enum { TOKENS = 1000, SAMPLES = 2000 };
    static float flat[TOKENS];
    static uint32_t cells[TOKENS + 1];
    tm_table_tensor tensors[] = {
        {.name = "probs", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {1, TOKENS}},
        {.name = "samples", .dtype = TM_DTYPE_INT32, .rank = 1, .shape = {1}}};
    tm_table table = {.definition = "made_up",
                      .op_type = "sampling",
                      .tensors = tensors,
                      .input_count = 1,
                      .output_count = 1};
    const void *data[] = {flat};
    for (int i = 0; i < TOKENS; i++)
        flat[i] = 1.0f / TOKENS;
    uint64_t x = 1;
    for (int i = 0; i < SAMPLES; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        cells[(x >> 33) % TOKENS]++;
    }
    tm_sample_counts counts = {.rows = 1, .vocabulary = TOKENS, .samples = SAMPLES, .cells = cells};
    tm_inputs *inputs = tm_inputs_create_given(&table, data);
    tm_verdict verdict;
    tm_verdict_begin(&verdict);
    tm_evaluator_sampling.sampling->judge(&table, &plain, inputs, &counts, &verdict);
    assert_int_equal(verdict.status, TM_STATUS_PASSED);
    /* sqrt(s / (2 pi n)) is what such a distance comes to on average. */
    assert_true(fabs(verdict.tvds[0] - sqrt(TOKENS / (2 * M_PI * SAMPLES))) < 0.03);
    assert_true(verdict.tvd_limit > verdict.tvds[0] && verdict.tvd_limit < 0.5);
    tm_verdict_end(&verdict);
    tm_inputs_destroy(inputs);
}

static void test_what_is_no_sampler(void **state) {
    (void)state;
    tm_table_tensor tensors[] = {
        {.name = "logits", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {1, 4}},
        {.name = "samples", .dtype = TM_DTYPE_INT64, .rank = 1, .shape = {1}}};
    tm_table table = {.definition = "made_up",
                      .op_type = "sampling",
                      .tensors = tensors,
                      .input_count = 1,
                      .output_count = 1};
    int64_t token = 0, rows, vocabulary;
    void *actual[] = {&token};
    const void *data[] = {actual};
    tm_inputs *inputs = tm_inputs_create_given(&table, data);
    tm_verdict verdict;
    tm_verdict_begin(&verdict);
    tm_evaluator_sampling.judge(&table, &plain, inputs, NULL, actual, &verdict);
    assert_int_equal(verdict.status, TM_STATUS_VOID);
    assert_false(tm_evaluator_sampling.sampling->shape(&table, &rows, &vocabulary));
    tm_inputs_destroy(inputs);
}

/* One head of four elements, two tokens a page, four pages; the row has page 2, then 0: tokens 4, 5
 * and 0. Scores are those of the keys' first element. */
enum { PAGES = 4, PAGE = 2, DIM = 4, TOPK = 2 };

static const char *judge_indices(int32_t first, int32_t second, tm_status *status) {
    static tm_verdict verdict;
    static const uint8_t query[DIM] = {0x38, 0, 0, 0}; /* 1 */
    static const float weights[] = {1}, one = 1;
    static const int32_t lengths[] = {3}, block_table[] = {2, 0};
    static const uint8_t keys[PAGES * PAGE] = {0x40, 0x30, 0x30, 0x30, 0x38, 0x38, 0x30, 0x30};
    uint8_t cache[PAGES][PAGE * (DIM + 4)] = {{0}};
    for (int token = 0; token < PAGES * PAGE; token++) {
        cache[token / PAGE][token % PAGE * DIM] = keys[token];
        memcpy(&cache[token / PAGE][PAGE * DIM + token % PAGE * 4], &one, 4);
    }
    const tm_table_tensor tensors[] = {
        {.name = "q_index_fp8", .dtype = TM_DTYPE_FLOAT8_E4M3FN, .rank = 3, .shape = {1, 1, DIM}},
        {.name = "k_index_cache_fp8",
         .dtype = TM_DTYPE_INT8,
         .rank = 4,
         .shape = {PAGES, PAGE, 1, DIM + 4}},
        {.name = "weights", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {1, 1}},
        {.name = "seq_lens", .dtype = TM_DTYPE_INT32, .rank = 1, .shape = {1}},
        {.name = "block_table", .dtype = TM_DTYPE_INT32, .rank = 2, .shape = {1, 2}},
        {.name = "topk_indices", .dtype = TM_DTYPE_INT32, .rank = 2, .shape = {1, TOPK}}};
    const tm_table table = {.definition = "dsa_topk_indexer_x",
                            .op_type = "dsa_paged",
                            .tensors = tensors,
                            .input_count = 5,
                            .output_count = 1};
    const void *data[] = {query, cache, weights, lengths, block_table};
    int32_t right[] = {0, 4}, given[] = {first, second};
    void *expected[] = {right}, *actual[] = {given};
    tm_inputs *inputs = tm_inputs_create_given(&table, data);
    tm_verdict_begin(&verdict);
    tm_evaluator_for(&table)->judge(&table, &plain, inputs, expected, actual, &verdict);
    tm_inputs_destroy(inputs);
    *status = verdict.status;
    assert_int_equal(verdict.compared_elems, TOPK);
    return verdict.reason;
}

static void test_indices(void **state) {
    (void)state;
    static const struct {
        int32_t first, second;
        const char *reason; /* "" when it passes */
    } cases[] = {
        {0, 4, ""},
        {4, 0, ""},
        {0, 5, ""}, /* as good as 4 */
        {4, 5,
         "topk_indices: row 0 has 1 of 2 indices that the reference has not, the best of "
         "them that is too bad with a score of 1 where 2 was to be had"},
        {0, 0, "topk_indices: expected no index twice at [0, 1], got 0"},
        {0, 1,
         "topk_indices: expected a token that the block table reaches below seq_lens at "
         "[0, 1], got 1"},
        {2, 0,
         "topk_indices: expected a token that the block table reaches below seq_lens at "
         "[0, 0], got 2"},
        {0, 8,
         "topk_indices: expected a token that the block table reaches below seq_lens at "
         "[0, 1], got 8"},
        {0, -2,
         "topk_indices: expected a token that the block table reaches below seq_lens at "
         "[0, 1], got -2"},
        {0, -1, "topk_indices: expected another index before the padding at [0, 1], got -1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tm_status status;
        const char *reason = judge_indices(cases[i].first, cases[i].second, &status);
        assert_string_equal(reason, cases[i].reason);
        assert_int_equal(status,
                         cases[i].reason[0] ? TM_STATUS_INCORRECT_NUMERICAL : TM_STATUS_PASSED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),          cmocka_unit_test(test_distances),
        cmocka_unit_test(test_counts_outside), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_honest_noise),   cmocka_unit_test(test_what_is_no_sampler),
        cmocka_unit_test(test_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
