/* experts_cpu: experts of fp8 weights in scaled blocks, on a CPU. The weights are what takes the
 * time, so each of an expert's rows is widened once, a few at a time, and multiplied with all of
 * its tokens while it is in the cache. Experts that no token chose are not read.
 *
 * Included behind contract.h. Deliberately does not know how experts are chosen. */
#ifndef TM_BASELINE_EXPERTS_CPU_H
#define TM_BASELINE_EXPERTS_CPU_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 8, LANES = 8 };

typedef float lanes __attribute__((vector_size(4 * LANES)));

typedef struct {
    int64_t tokens, experts, hidden, inner, top_k;
    const tm_float8_e4m3fn *hidden_states; /* [tokens, hidden] */
    const float *hidden_states_scale;      /* [hidden / block, tokens] */
    const tm_float8_e4m3fn *gemm1_weights; /* [experts, 2 inner, hidden] */
    const float *gemm1_scale;
    const tm_float8_e4m3fn *gemm2_weights; /* [experts, hidden, inner] */
    const float *gemm2_scale;
    int64_t block;
    tm_bfloat16 *output; /* [tokens, hidden] */
    /* Chosen: a slot is one choice of a token. */
    int32_t *expert; /* [tokens * top_k], -1: elsewhere */
    float *weight;   /* [tokens * top_k] */
    /* Slots in the order of their experts. */
    int32_t *first;   /* [experts + 1] */
    int32_t *slot_of; /* [tokens * top_k] */
    int32_t *row_of;  /* [tokens * top_k] */
    float *x;         /* [rows, hidden] */
    float *gated;     /* [rows, inner] */
    float *result;    /* [rows, hidden] */
} experts_cpu;

static inline float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* `count` elements times a scale per block. A magnitude below 8 is subnormal: steps of 2^-9. */
static void widen(const tm_float8_e4m3fn *from, int64_t count, const float *scale, int64_t step,
                  int64_t block, float *to) {
    for (int64_t begin = 0; begin < count; begin += block, scale += step) {
        const float factor = *scale;
        for (int64_t i = begin; i < begin + block && i < count; ++i) {
            const uint32_t bits = from[i].bits, magnitude = bits & 0x7fu;
            const float normal = bits_float((magnitude << 20) + (120u << 23));
            float value = magnitude < 8 ? 2 * normal - 0x1p-6f : normal;
            value = magnitude == 0x7f ? NAN : value;
            to[i] = (bits & 0x80u ? -value : value) * factor;
        }
    }
}

static float add_lanes(lanes v) {
    return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

/* out[j] = row . panel[j] */
static void multiply(const float *row, const float *panel, int64_t length, float out[PANEL]) {
    lanes sum[PANEL];
    memset(sum, 0, sizeof sum);
    int64_t k = 0;
    for (; k + LANES <= length; k += LANES) {
        lanes a, b;
        memcpy(&a, row + k, sizeof a);
#pragma GCC unroll 8
        for (int j = 0; j < PANEL; ++j) {
            memcpy(&b, panel + j * length + k, sizeof b);
            sum[j] += a * b;
        }
    }
    for (int j = 0; j < PANEL; ++j) {
        out[j] = add_lanes(sum[j]);
        for (int64_t i = k; i < length; ++i)
            out[j] += row[i] * panel[j * length + i];
    }
}

/* Widens rows `from` ... of a weight matrix into the panel; past the last one, zeros. */
static void widen_panel(const tm_float8_e4m3fn *weights, const float *scale, int64_t rows,
                        int64_t length, int64_t block, int64_t from, int count, float *panel) {
    for (int j = 0; j < count; ++j) {
        if (from + j < rows)
            widen(weights + (from + j) * length, length,
                  scale + (from + j) / block * (length / block), 1, block, panel + j * length);
        else
            memset(panel + j * length, 0, (size_t)length * sizeof *panel);
    }
}

static void gemm1_panel(const experts_cpu *job, int64_t expert, int64_t column, float *panel) {
    enum { HALF = PANEL / 2 };
    const int64_t rows = 2 * job->inner, length = job->hidden;
    const tm_float8_e4m3fn *weights = job->gemm1_weights + expert * rows * length;
    const float *scale = job->gemm1_scale + expert * (rows / job->block) * (length / job->block);
    const int count = (int)(job->inner - column < HALF ? job->inner - column : HALF);
    widen_panel(weights, scale, job->inner, length, job->block, column, HALF, panel);
    widen_panel(weights, scale, rows, length, job->block, job->inner + column, HALF,
                panel + HALF * length);
    for (int64_t row = job->first[expert]; row < job->first[expert + 1]; ++row) {
        float sum[PANEL];
        multiply(job->x + row * length, panel, length, sum);
        for (int j = 0; j < count; ++j) {
            const float gate = sum[j + HALF];
            job->gated[row * job->inner + column + j] = gate / (1 + expf(-gate)) * sum[j];
        }
    }
}

static void gemm2_panel(const experts_cpu *job, int64_t expert, int64_t column, float *panel) {
    const int64_t rows = job->hidden, length = job->inner;
    const int count = (int)(rows - column < PANEL ? rows - column : PANEL);
    widen_panel(job->gemm2_weights + expert * rows * length,
                job->gemm2_scale + expert * (rows / job->block) * (length / job->block), rows,
                length, job->block, column, PANEL, panel);
    for (int64_t row = job->first[expert]; row < job->first[expert + 1]; ++row) {
        float sum[PANEL];
        multiply(job->gated + row * length, panel, length, sum);
        memcpy(job->result + row * rows + column, sum, (size_t)count * sizeof *sum);
    }
}

static void sort_slots(experts_cpu *job) {
    const int64_t slots = job->tokens * job->top_k;
    memset(job->first, 0, (size_t)(job->experts + 1) * sizeof *job->first);
    for (int64_t slot = 0; slot < slots; ++slot)
        if (job->expert[slot] >= 0)
            ++job->first[job->expert[slot] + 1];
    for (int64_t e = 0; e < job->experts; ++e)
        job->first[e + 1] += job->first[e];
    for (int64_t slot = 0; slot < slots; ++slot) {
        if (job->expert[slot] < 0)
            continue;
        const int32_t row = job->first[job->expert[slot]]++;
        job->slot_of[row] = (int32_t)slot;
        job->row_of[slot] = row;
    }
    for (int64_t e = job->experts; e > 0; --e)
        job->first[e] = job->first[e - 1];
    job->first[0] = 0;
}

static void store(tm_bfloat16 *to, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    to->bits = (uint16_t)(value == value ? (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16
                                         : bits >> 16 | 0x40u);
}

static void add_up(const experts_cpu *job, int64_t token, float *sum) {
    memset(sum, 0, (size_t)job->hidden * sizeof *sum);
    for (int64_t slot = token * job->top_k; slot < (token + 1) * job->top_k; ++slot) {
        if (job->expert[slot] < 0)
            continue;
        const float weight = job->weight[slot];
        const float *result = job->result + job->row_of[slot] * job->hidden;
        for (int64_t i = 0; i < job->hidden; ++i)
            sum[i] += weight * result[i];
    }
    for (int64_t i = 0; i < job->hidden; ++i)
        store(job->output + token * job->hidden + i, sum[i]);
}

/* The four phases by all threads; `panels` has room for one panel per thread. */
static void experts_cpu_phases(const experts_cpu *job, float *panels, int64_t panel_elems) {
    const int64_t rows = job->first[job->experts];
    const int64_t columns1 = (job->inner + PANEL / 2 - 1) / (PANEL / 2);
    const int64_t columns2 = (job->hidden + PANEL - 1) / PANEL;
#pragma omp parallel
    {
        float *panel = panels + omp_get_thread_num() * panel_elems;
#pragma omp for
        for (int64_t row = 0; row < rows; ++row) {
            const int64_t token = job->slot_of[row] / job->top_k;
            widen(job->hidden_states + token * job->hidden, job->hidden,
                  job->hidden_states_scale + token, job->tokens, job->block,
                  job->x + row * job->hidden);
        }
#pragma omp for schedule(dynamic, 4)
        for (int64_t task = 0; task < job->experts * columns1; ++task) {
            const int64_t expert = task / columns1;
            if (job->first[expert] < job->first[expert + 1])
                gemm1_panel(job, expert, task % columns1 * (PANEL / 2), panel);
        }
#pragma omp for schedule(dynamic, 4)
        for (int64_t task = 0; task < job->experts * columns2; ++task) {
            const int64_t expert = task / columns2;
            if (job->first[expert] < job->first[expert + 1])
                gemm2_panel(job, expert, task % columns2 * PANEL, panel);
        }
#pragma omp for
        for (int64_t token = 0; token < job->tokens; ++token)
            add_up(job, token, panel);
    }
}

/* Memory for what is chosen, which the caller fills next; false when there is none. */
static bool experts_cpu_begin(experts_cpu *job) {
    const size_t slots = (size_t)(job->tokens * job->top_k), experts = (size_t)job->experts;
    job->expert = malloc((4 * slots + experts + 1) * sizeof *job->expert);
    if (!job->expert)
        return false;
    job->weight = (float *)(job->expert + slots);
    job->slot_of = job->expert + 2 * slots;
    job->row_of = job->expert + 3 * slots;
    job->first = job->expert + 4 * slots;
    return true;
}

/* Computes, and frees. */
static int experts_cpu_run(experts_cpu *job) {
    sort_slots(job);
    const int64_t rows = job->first[job->experts];
    const int64_t panel_elems = PANEL * (job->hidden > job->inner ? job->hidden : job->inner);
    const int64_t elems = rows * (2 * job->hidden + job->inner);
    float *memory = malloc((size_t)(elems + omp_get_max_threads() * panel_elems) * sizeof *memory);
    if (memory) {
        job->x = memory;
        job->result = job->x + rows * job->hidden;
        job->gated = job->result + rows * job->hidden;
        experts_cpu_phases(job, memory + elems, panel_elems);
    }
    free(memory);
    free(job->expert);
    return memory ? 0 : tm_fail(1, "no memory for %lld rows", (long long)rows);
}

/* The best of scores[0, count) into `chosen`, best first; among equal ones the smaller index. Takes
 * them out of `scores`. */
static void take_best(float *scores, int64_t count, int64_t top_k, int32_t *chosen) {
    for (int64_t k = 0; k < top_k; ++k) {
        int64_t best = 0;
        for (int64_t i = 1; i < count; ++i)
            if (scores[i] > scores[best])
                best = i;
        chosen[k] = (int32_t)best;
        scores[best] = -INFINITY;
    }
}

#endif
