/* sampling: one token per row of probabilities, drawn from the largest top_k of them, renormalised,
 * and of those from the largest whose sum before each is at most top_p.
 *
 * Weights are the probabilities as integers, in units of some 2^-62 of the row's sum, so the draw
 * is from exactly the filtered distribution and the same on every device. Among equal probabilities
 * the lower token is kept first. A row without one positive probability, or with an infinite one or
 * one that is not a number, has no distribution and gives -1.
 *
 * A definition has no seed: the number of the call is the counter of the random numbers
 * (Philox4x32-10, Random123), so a process that is started again draws the same samples. */
#ifndef TM_REFERENCE_SAMPLING_H
#define TM_REFERENCE_SAMPLING_H

#include <Random123/philox.h>

#include "cut.h"

typedef struct {
    const float *probs;   /* [rows, vocab_size] */
    const int32_t *top_k; /* [rows], or NULL; outside of (0, vocab_size): all */
    const float *top_p;   /* [rows], or NULL; >= 1: all; <= 0: the largest */
    int64_t *samples;     /* [rows] */
    int64_t vocab_size;
    uint64_t call;
} sampling_job;

typedef struct {
    tm_cut_work cut;
    uint32_t most;
    uint64_t ties[TM_BLOCK_TEAMS], mass[TM_BLOCK_TEAMS]; /* of each team's part of the row */
} sampling_shared;

/* 64 bits that depend on call and row alone. */
TM_ITEM uint64_t sampling_random(uint64_t call, int64_t row) {
    philox4x32_ctr_t counter = {
        {(uint32_t)call, (uint32_t)(call >> 32), (uint32_t)row, (uint32_t)((uint64_t)row >> 32)}};
    philox4x32_key_t key = {{0x73616d70u, 0x6c696e67u}};
    const philox4x32_ctr_t words = philox4x32(counter, key);
    return (uint64_t)words.v[0] << 32 | words.v[1];
}

/* (a * b) / 2^64, rounded down */
TM_ITEM uint64_t sampling_multiply_high(uint64_t a, uint64_t b) {
#if TM_ON_GPU
    return __umul64hi(a, b);
#else
    return (uint64_t)((unsigned __int128)a * b >> 64);
#endif
}

/* The largest key of a row, in every thread. */
TM_ITEM uint32_t sampling_most(const tm_cut_row *row, sampling_shared *shared) {
    uint32_t most = 0;
    if (tm_block_thread() == 0)
        shared->most = 0;
    tm_block_wait();
    for (int64_t i = tm_block_thread(); i < row->length; i += TM_BLOCK) {
        const uint32_t key = tm_cut_key(row, i);
        most = key > most ? key : most;
    }
    tm_block_max32(&shared->most, most);
    tm_block_wait();
    return shared->most;
}

/* Units of weight in a probability of 1: a power of two with which length * largest is below 2^63.
 */
TM_ITEM double sampling_scale(uint32_t most, int64_t length) {
    int bits = 0;
    while ((int64_t)1 << bits < length)
        ++bits;
    const int exponent = (int)(most >> 23 > 1 ? most >> 23 : 1) - 126; /* largest < 2^exponent */
    return ldexp(1.0, 63 - bits - exponent);
}

/* What of the row is kept. */
TM_ITEM tm_cut sampling_cut(const tm_cut_row *row, sampling_shared *shared, uint32_t most,
                            int32_t top_k, float top_p) {
    tm_cut cut = {0, (uint64_t)row->length, 0};
    const int by_count = top_k > 0 && top_k < row->length;
    if (top_p <= 0) {
        const tm_cut largest = {most, 1, tm_cut_weight(row, most)};
        return largest;
    }
    if (by_count)
        cut = tm_cut_find(row, &shared->cut, 0, (uint64_t)top_k - 1);
    if (top_p < 1) {
        /* Only a row of which top_k left a part is renormalised before top_p. */
        const double limit = (double)top_p * (by_count ? (double)cut.mass : row->scale);
        const uint64_t most_mass = (uint64_t)1 << 63;
        const tm_cut nucleus = tm_cut_find(row, &shared->cut, 1,
                                           limit < (double)most_mass ? (uint64_t)limit : most_mass);
        if (nucleus.key > cut.key || (nucleus.key == cut.key && nucleus.ties < cut.ties))
            cut = nucleus;
    }
    return cut;
}

/* The weight of a token after the cut, when `ties` equal to the cut's key stand before it. */
TM_ITEM uint64_t sampling_kept(const tm_cut_row *row, const tm_cut *cut, uint32_t key,
                               uint64_t ties) {
    const int is_kept = key > cut->key || (key == cut->key && ties < cut->ties);
    return is_kept ? tm_cut_weight(row, key) : 0;
}

TM_ITEM void sampling_row(const sampling_job *job, int64_t item, sampling_shared *shared) {
    tm_cut_row row = {job->probs + item * job->vocab_size, job->vocab_size, 1, 0};
    const int team = tm_block_thread() / TM_TEAM, lane = tm_block_thread() % TM_TEAM;
    const uint32_t most = sampling_most(&row, shared);
    if (most == 0 || most >= 0x7f800000u) {
        const int is_largest = most == 0 && job->top_p && job->top_p[item] <= 0 && row.length > 0;
        if (tm_block_thread() == 0)
            job->samples[item] = is_largest ? 0 : -1;
        return;
    }
    row.scale = sampling_scale(most, row.length);
    const tm_cut cut = sampling_cut(&row, shared, most, job->top_k ? job->top_k[item] : 0,
                                    job->top_p ? job->top_p[item] : 1.0f);

    /* Each team has a part of the row: its ties, then its mass, then those of the parts before. */
    const int64_t part = (row.length + TM_BLOCK_TEAMS - 1) / TM_BLOCK_TEAMS;
    const int64_t begin = team * part < row.length ? team * part : row.length;
    const int64_t end = begin + part < row.length ? begin + part : row.length;
    uint64_t ties = 0, mass = 0;
    for (int64_t i = begin + lane; i < end; i += TM_TEAM) {
        const uint32_t key = tm_cut_key(&row, i);
        ties += key == cut.key;
        mass += key > cut.key ? tm_cut_weight(&row, key) : 0;
    }
    ties = tm_team_total(ties);
    mass = tm_team_total(mass);
    if (lane == 0)
        shared->ties[team] = ties;
    tm_block_wait();
    uint64_t ties_before = 0;
    for (int t = 0; t < team; ++t)
        ties_before += shared->ties[t];
    const uint64_t left = ties_before < cut.ties ? cut.ties - ties_before : 0;
    mass += (ties < left ? ties : left) * tm_cut_weight(&row, cut.key);
    if (lane == 0)
        shared->mass[team] = mass;
    tm_block_wait();
    uint64_t mass_before = 0, total = 0;
    for (int t = 0; t < TM_BLOCK_TEAMS; ++t) {
        mass_before += t < team ? shared->mass[t] : 0;
        total += shared->mass[t];
    }

    /* The token in whose weight the drawn unit lies, by the team that has it. */
    const uint64_t drawn = sampling_multiply_high(sampling_random(job->call, item), total);
    if (drawn < mass_before || drawn >= mass_before + mass)
        return;
    for (int64_t base = begin; base < end; base += TM_TEAM) {
        const uint32_t key = base + lane < end ? tm_cut_key(&row, base + lane) : 0;
        const uint64_t is_tie = base + lane < end && key == cut.key;
        const uint64_t weight =
            sampling_kept(&row, &cut, key, ties_before + tm_team_before(is_tie));
        const uint64_t before = mass_before + tm_team_before(weight);
        if (drawn >= before && drawn < before + weight)
            job->samples[item] = base + lane;
        ties_before += tm_team_total(is_tie);
        mass_before += tm_team_total(weight);
        if (mass_before > drawn)
            return;
    }
}

TM_BLOCK_DRIVER(sampling_rows, sampling_job, sampling_row, sampling_shared)

/* All of a job but the call, which is counted here. */
static int sampling_run(sampling_job job, int64_t rows, tm_stream stream) {
    static uint64_t calls;
    job.call = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return sampling_rows(&job, rows, stream);
}

#endif
