/* sampling_cpu: one token per row of probabilities on the CPU, rows over OpenMP threads.
 *
 * Where the kept part of the sorted row ends is found without sorting: one pass counts and adds up
 * the probabilities by their exponent and three bits of their mantissa; what lies in the digit of
 * the cut is copied out, and counted by the next two digits. The draw then walks over blocks whose
 * masses are added up by vector units. */
#ifndef BASELINE_SAMPLING_CPU_H
#define BASELINE_SAMPLING_CPU_H

#include <math.h>
#include <stdlib.h>

#include <Random123/philox.h>

#include "tracemill.h"

enum {
    BINS = 2048,
    FIRST_SHIFT = 20,       /* 11 bits of a positive float32 */
    DIGIT = 10,             /* bits of the second and third digit */
    BLOCK = 1024,           /* elements whose mass is added up at once */
    SERIAL_ELEMS = 1 << 14, /* below, waking the other threads takes longer than the work */
};

/* Kept are all probabilities above `value` and the first `ties` that equal it. */
typedef struct {
    float value;
    int64_t ties;
    double mass; /* of all that are kept */
} cut;

typedef struct {
    int32_t count[BINS];
    double mass[BINS];
} histogram;

/* Of a thread. */
typedef struct {
    histogram first[2], next; /* neighbours go to different ones: no wait for the last addition */
    float *inside;            /* [vocab_size]: what lies in a digit */
} workspace;

static inline uint32_t key_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return value >= 0 ? bits & 0x7fffffffu : 0; /* what is no probability counts as 0 */
}

static inline void add_to(histogram *to, uint32_t bin, float value) {
    to->count[bin]++;
    to->mass[bin] += (double)value;
}

/* Returns the number of bins that are used: of probabilities the upper half never is. */
static int count_first(const float *row, int64_t length, workspace *work) {
    float most = 0;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < length; ++i)
        most = row[i] > most ? row[i] : most;
    const int bins = (int)(key_of(most) >> FIRST_SHIFT) + 1;
    for (int h = 0; h < 2; ++h) {
        memset(work->first[h].count, 0, (size_t)bins * sizeof *work->first[h].count);
        memset(work->first[h].mass, 0, (size_t)bins * sizeof *work->first[h].mass);
    }
    int64_t i = 0;
    for (; i + 2 <= length; i += 2) {
        add_to(&work->first[0], key_of(row[i]) >> FIRST_SHIFT, row[i]);
        add_to(&work->first[1], key_of(row[i + 1]) >> FIRST_SHIFT, row[i + 1]);
    }
    if (i < length)
        add_to(&work->first[0], key_of(row[i]) >> FIRST_SHIFT, row[i]);
    for (int bin = 0; bin < bins; ++bin) {
        work->first[0].count[bin] += work->first[1].count[bin];
        work->first[0].mass[bin] += work->first[1].mass[bin];
    }
    return bins;
}

/* A row ends where `most` are kept, or where the mass before exceeds `limit`. */
typedef struct {
    int64_t most, before;
    double limit, mass_before;
} search;

/* The bin in which the row ends, and in `at` what lies above it; -1: it does not end. */
static int find_bin(const histogram *from, int bins, search *at) {
    for (int bin = bins - 1; bin >= 0; --bin) {
        if (from->count[bin] > 0 && (at->before + from->count[bin] >= at->most ||
                                     at->mass_before + from->mass[bin] > at->limit))
            return bin;
        at->before += from->count[bin];
        at->mass_before += from->mass[bin];
    }
    return -1;
}

/* Keeps those of `from` whose key begins with `prefix` above bit `shift`; `to` may be `from`. */
static int64_t keep_prefix(const float *from, int64_t length, uint32_t prefix, int shift,
                           float *to) {
    int64_t kept = 0;
    for (int64_t i = 0; i < length; ++i) {
        to[kept] = from[i];
        kept += key_of(from[i]) >> shift == prefix;
    }
    return kept;
}

static cut find_cut(const float *row, int64_t length, int bins, int64_t most, double limit,
                    workspace *work) {
    search at = {most, 0, limit, 0};
    const int first = find_bin(&work->first[0], bins, &at);
    if (first < 0)
        return (cut){-1, 0, at.mass_before};
    uint32_t prefix = (uint32_t)first;
    int64_t inside = keep_prefix(row, length, prefix, FIRST_SHIFT, work->inside);
    for (int shift = FIRST_SHIFT - DIGIT; shift >= 0; shift -= DIGIT) {
        memset(&work->next, 0, sizeof work->next);
        for (int64_t i = 0; i < inside; ++i)
            add_to(&work->next, key_of(work->inside[i]) >> shift & ((1u << DIGIT) - 1),
                   work->inside[i]);
        int bin = find_bin(&work->next, 1 << DIGIT, &at);
        if (bin < 0) { /* sums of digits differ in their last bits: then it ends in the last */
            bin = 0;
            while (work->next.count[bin] == 0)
                ++bin;
            at.before -= work->next.count[bin];
            at.mass_before -= work->next.mass[bin];
        }
        prefix = prefix << DIGIT | (uint32_t)bin;
        inside = keep_prefix(work->inside, inside, prefix, shift, work->inside);
    }
    cut found;
    memcpy(&found.value, &prefix, sizeof found.value);
    int64_t ties = most - at.before;
    if (found.value > 0 && (limit - at.mass_before) / found.value < (double)ties - 1)
        ties = (int64_t)((limit - at.mass_before) / found.value) + 1;
    found.ties = ties < 1 ? 1 : ties < inside ? ties : inside;
    found.mass = at.mass_before + (double)found.ties * (double)found.value;
    return found;
}

/* What is kept: the shorter of the two beginnings of the sorted row. */
static cut cut_row(const float *row, int64_t length, int64_t top_k, float top_p, workspace *work) {
    const int by_count = top_k > 0 && top_k < length;
    const int bins = count_first(row, length, work);
    if (top_p <= 0)
        return find_cut(row, length, bins, 1, INFINITY, work);
    if (!(top_p < 1))
        return find_cut(row, length, bins, by_count ? top_k : INT64_MAX, INFINITY, work);
    if (!by_count)
        return find_cut(row, length, bins, INT64_MAX, (double)top_p, work);
    /* top_p is a share of what top_k leaves. */
    const cut largest = find_cut(row, length, bins, top_k, INFINITY, work);
    return find_cut(row, length, bins, top_k, (double)top_p * largest.mass, work);
}

/* The token at which the kept mass, in the row's order, exceeds `target`; -1: nothing is kept. */
static int64_t find_token(const float *row, int64_t length, const cut *kept, double target) {
    double before = 0;
    int64_t ties = 0, last = -1;
    for (int64_t begin = 0; begin < length; begin += BLOCK) {
        const int64_t end = begin + BLOCK < length ? begin + BLOCK : length;
        double mass = 0;
        int64_t equal = 0;
#pragma omp simd reduction(+ : mass, equal)
        for (int64_t i = begin; i < end; ++i) {
            mass += row[i] > kept->value ? (double)row[i] : 0;
            equal += row[i] == kept->value;
        }
        const int64_t left = kept->ties - ties;
        const double sum = mass + (double)(equal < left ? equal : left) * (double)kept->value;
        if (before + sum > target * (1 - 1e-12)) { /* sums in another order differ in last bits */
            double walked = before;
            for (int64_t i = begin; i < end; ++i) {
                const int is_tie = row[i] == kept->value;
                if (row[i] > 0 && (row[i] > kept->value || (is_tie && ties < kept->ties))) {
                    walked += (double)row[i];
                    last = i;
                    if (walked > target)
                        return i;
                }
                ties += is_tie && ties < kept->ties;
            }
            before = walked;
            continue;
        }
        before += sum;
        ties += equal < left ? equal : left;
    }
    return last;
}

/* In [0, 1), of the call and the row alone. */
static double uniform(uint64_t call, int64_t row) {
    philox4x32_ctr_t counter = {
        {(uint32_t)call, (uint32_t)(call >> 32), (uint32_t)row, (uint32_t)((uint64_t)row >> 32)}};
    philox4x32_key_t key = {{0x63707573u, 0x616d706cu}};
    const philox4x32_ctr_t words = philox4x32(counter, key);
    return (double)(((uint64_t)words.v[0] << 32 | words.v[1]) >> 11) * 0x1p-53;
}

/* `top_k` and `top_p` may be NULL: all. */
static int sample(const float *probs, const int32_t *top_k, const float *top_p, int64_t *samples,
                  int64_t rows, int64_t length) {
    static uint64_t calls;
    const uint64_t call = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    int failures = 0;
#pragma omp parallel reduction(+ : failures) if (rows > 1 && rows * length >= SERIAL_ELEMS)
    {
        workspace *work = malloc(sizeof *work);
        float *inside = malloc((size_t)(length + 1) * sizeof *inside);
        if (work && inside) {
            work->inside = inside;
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < rows; ++i) {
                const float *row = probs + i * length;
                const cut kept =
                    cut_row(row, length, top_k ? top_k[i] : 0, top_p ? top_p[i] : 1.0f, work);
                samples[i] = find_token(row, length, &kept, uniform(call, i) * kept.mass);
            }
        } else {
            failures++;
        }
        free(inside);
        free(work);
    }
    return failures == 0 ? 0 : tm_fail(3, "no memory for a row of %lld", (long long)length);
}

#endif
