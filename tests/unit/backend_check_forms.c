/* Part of backend_check: random inputs that are made by rows and pages, and counts of samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/random_rows.h"
#include "lib/dtype.h"
#include "tests/unit/backend_check.h"

#define BACKGROUND 0x77

static float normal_at(uint64_t seed, uint32_t tensor, uint64_t row, int64_t elems, int64_t elem) {
    uint64_t value[TM_RANDOM_BLOCK];
    uint64_t block = row * tm_random_row_blocks(elems) + (uint64_t)elem / TM_RANDOM_BLOCK;
    tm_random_block4(seed, tensor, TM_DTYPE_FLOAT32, block, value);
    return tm_convert_bits_float((uint32_t)value[elem % TM_RANDOM_BLOCK]);
}

/* One row or page as harness/random_rows.h describes it, element by element. */
static void make_unit(const tm_random_form *form, uint64_t seed, uint32_t tensor, int64_t unit,
                      unsigned char *out) {
    int64_t elems = form->unit_elems;
    if (form->kind == TM_RANDOM_PROBABILITIES) {
        uint64_t sum = 0;
        for (int64_t i = 0; i < elems; i++)
            sum += tm_random_weight(normal_at(seed, tensor, (uint64_t)unit, elems, i));
        for (int64_t i = 0; i < elems; i++) {
            float x = normal_at(seed, tensor, (uint64_t)unit, elems, i);
            float p = tm_random_probability(tm_random_weight(x), sum);
            memcpy(out + i * 4, &p, 4);
        }
        return;
    }
    int64_t tokens = elems / form->token_elems, keys = form->token_elems - 4;
    for (int64_t token = 0; token < tokens; token++) {
        float absmax = 0;
        uint64_t row = (uint64_t)(unit * tokens + token);
        for (int64_t i = 0; i < keys; i++) {
            float x = normal_at(seed, tensor, row, keys, i);
            absmax = x > absmax ? x : -x > absmax ? -x : absmax;
        }
        float scale = tm_random_key_scale(absmax);
        for (int64_t i = 0; i < keys; i++)
            out[token * keys + i] = tm_random_key(normal_at(seed, tensor, row, keys, i), scale);
        memcpy(out + tokens * keys + token * 4, &scale, 4);
    }
}

/* The units of this phase are those of the definition, the others what was there before. */
static bool form_holds(tm_suite *suite, const tm_random_form *form, uint32_t phase,
                       uint32_t stride) {
    const tm_backend_ops *ops = suite->ops;
    size_t unit_bytes = (size_t)form->unit_elems * (size_t)tm_dtype_bits((tm_dtype)form->dtype) / 8;
    int64_t units = tm_random_form_units(form);
    size_t bytes = (size_t)units * unit_bytes, total = bytes + GUARD_BYTES;
    unsigned char *want = tm_suite_host(total), *got = tm_suite_host(total);
    unsigned char *device = ops->alloc(suite->backend, total, suite->error);
    bool good =
        device &&
        ops->fill_pattern(suite->backend, device, BACKGROUND * 0x01010101u, total, suite->error) &&
        ops->fill_random(suite->backend, device, form, 77, 3, phase, stride, suite->error) &&
        ops->download(suite->backend, got, device, total, suite->error);
    memset(want, BACKGROUND, total);
    for (int64_t unit = phase; unit < units; unit += stride)
        make_unit(form, 77, 3, unit, want + (size_t)unit * unit_bytes);
    size_t at = good ? tm_suite_difference(want, got, total) : 0;
    if (good && at < total)
        snprintf(suite->error, sizeof suite->error,
                 "%lld units, phase %u of %u: byte %zu: expected %02x, got %02x", (long long)units,
                 phase, stride, at, want[at], got[at]);
    ops->free(suite->backend, device);
    free(want);
    free(got);
    return good && at == total;
}

void tm_suite_check_forms(tm_suite *suite) {
    static const int64_t rows[][2] = {{1, 1}, {1, 2}, {3, 5}, {7, 1023}, {40, 4099}, {2, 128256}};
    static const int64_t pages[][4] = {
        {1, 1, 1, 8}, {3, 2, 1, 12}, {9, 64, 1, 132}, {2, 3, 1, 1028}};
    static const uint32_t phases[][2] = {{0, 1}, {0, 2}, {1, 2}, {6, 7}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tm_random_form form = tm_random_form_of("sampling", "probs", TM_DTYPE_FLOAT32, 2, rows[i]);
        bool good = form.kind == TM_RANDOM_PROBABILITIES;
        for (size_t p = 0; good && p < sizeof phases / sizeof *phases; p++)
            good = form_holds(suite, &form, phases[p][0], phases[p][1]);
        tm_suite_report(suite, "fill_random, probabilities", good, "%lld x %lld%s%s",
                        (long long)rows[i][0], (long long)rows[i][1], good ? "" : ", ",
                        good ? "" : suite->error);
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        tm_random_form form =
            tm_random_form_of("dsa_paged", "k_index_cache_fp8", TM_DTYPE_INT8, 4, pages[i]);
        bool good = form.kind == TM_RANDOM_KEY_CACHE;
        for (size_t p = 0; good && p < sizeof phases / sizeof *phases; p++)
            good = form_holds(suite, &form, phases[p][0], phases[p][1]);
        tm_suite_report(suite, "fill_random, key cache", good, "%lld pages of %lld tokens%s%s",
                        (long long)pages[i][0], (long long)pages[i][1], good ? "" : ", ",
                        good ? "" : suite->error);
    }
}

/* ---- counts ---- */

/* `samples` of rows in turn, some of them outside the vocabulary, counted twice. */
static bool count_holds(tm_suite *suite, tm_dtype dtype, int64_t samples, int64_t rows,
                        int64_t vocabulary) {
    const tm_backend_ops *ops = suite->ops;
    size_t width = (size_t)tm_dtype_bits(dtype) / 8, cells = (size_t)(rows * (vocabulary + 1));
    unsigned char *sent = tm_suite_host((size_t)samples * width);
    uint32_t *want = tm_suite_host(cells * sizeof *want), *got = tm_suite_host(cells * sizeof *got);
    memset(want, 0, cells * sizeof *want);
    for (int64_t i = 0; i < samples; i++) {
        int64_t sample = (i * 7919) % (vocabulary + 4) - 2, slot = sample;
        if (i == samples - 1 && width == 8)
            sample = slot = (int64_t)1 << 32; /* its low half is in the vocabulary */
        memcpy(sent + (size_t)i * width, &sample, width);
        slot = slot >= 0 && slot < vocabulary ? slot : vocabulary;
        want[(i % rows) * (vocabulary + 1) + slot] += 2;
    }
    void *from = ops->alloc(suite->backend, (size_t)samples * width, suite->error);
    void *counts = ops->alloc(suite->backend, cells * sizeof *want, suite->error);
    bool good =
        from && counts &&
        ops->upload(suite->backend, from, sent, (size_t)samples * width, suite->error) &&
        ops->fill_pattern(suite->backend, counts, 0, cells * sizeof *want, suite->error) &&
        ops->count(suite->backend, counts, from, dtype, samples, rows, vocabulary, suite->error) &&
        ops->count(suite->backend, counts, from, dtype, samples, rows, vocabulary, suite->error) &&
        ops->download(suite->backend, got, counts, cells * sizeof *got, suite->error) &&
        memcmp(want, got, cells * sizeof *got) == 0;
    ops->free(suite->backend, from);
    ops->free(suite->backend, counts);
    free(sent);
    free(want);
    free(got);
    return good;
}

void tm_suite_check_count(tm_suite *suite) {
    static const int64_t cases[][3] = {{1, 1, 1}, {5, 1, 3}, {1000, 7, 11}, {30000, 3, 128256}};
    static const tm_dtype dtypes[] = {TM_DTYPE_INT64, TM_DTYPE_INT32};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int d = 0; d < 2; d++) {
            suite->error[0] = '\0';
            bool good = count_holds(suite, dtypes[d], cases[i][0], cases[i][1], cases[i][2]);
            tm_suite_report(suite, "count", good, "%lld samples of %s, %lld x %lld%s%s",
                            (long long)cases[i][0], tm_dtype_name(dtypes[d]),
                            (long long)cases[i][1], (long long)cases[i][2], good ? "" : ", ",
                            good ? "" : suite->error);
        }
}
