/* cut: where a row ends that is sorted by falling key and of which a beginning is kept; without
 * sorting it. Keys are 32-bit words; among equal ones the lower index comes first.
 *
 * By digits (a radix selection): counts and masses of the keys by their first 11 bits tell the
 * digit in which the cut lies, those of its keys by the next 11 the second digit, then the last 10.
 * All sums are of integers, so every device finds the same cut. */
#ifndef TM_REFERENCE_CUT_H
#define TM_REFERENCE_CUT_H

#include "block.h"

enum { TM_CUT_BINS = 2048 };

/* Kept are all keys above `key` and the first `ties` of those that equal it. */
typedef struct {
    uint32_t key;
    uint64_t ties;
    uint64_t mass; /* of all that are kept */
} tm_cut;

/* In shared memory. */
typedef struct {
    uint32_t count[TM_CUT_BINS];
    uint64_t mass[TM_CUT_BINS];
    uint64_t found, before, mass_before;
} tm_cut_work;

/* A row's keys and what each weighs. */
typedef struct {
    const void *words; /* float32 or uint32 */
    int64_t length;
    int is_probability; /* keys are the bits of a float32, negative ones count as 0 */
    double scale;       /* weight of a probability, rounded down: times this */
} tm_cut_row;

TM_ITEM uint32_t tm_cut_key(const tm_cut_row *row, int64_t at) {
    uint32_t word;
    memcpy(&word, (const char *)row->words + at * (int64_t)sizeof word, sizeof word);
    return row->is_probability && word >> 31 ? 0 : word;
}

/* Grows with the key. */
TM_ITEM uint64_t tm_cut_weight(const tm_cut_row *row, uint32_t key) {
    float value;
    if (!row->is_probability)
        return 0;
    memcpy(&value, &key, sizeof value);
    return (uint64_t)((double)value * row->scale);
}

/* Counts the keys that begin like `prefix` above bit `shift + width`, by the `width` bits below,
 * for tm_cut_walk. */
TM_ITEM void tm_cut_count(const tm_cut_row *row, tm_cut_work *work, uint32_t prefix, int shift,
                          int width) {
    for (int bin = tm_block_thread(); bin < 1 << width; bin += TM_BLOCK) {
        work->count[bin] = 0;
        work->mass[bin] = 0;
    }
    if (tm_block_thread() == 0) {
        work->found = (uint64_t)1 << width;
        work->before = 0;
        work->mass_before = 0;
    }
    tm_block_wait();
    for (int64_t i = tm_block_thread(); i < row->length; i += TM_BLOCK) {
        const uint32_t key = tm_cut_key(row, i);
        if (shift + width < 32 && key >> (shift + width) != prefix >> (shift + width))
            continue;
        const uint32_t bin = key >> shift & ((1u << width) - 1);
        tm_block_add32(&work->count[bin], 1);
        if (row->is_probability)
            tm_block_add64(&work->mass[bin], tm_cut_weight(row, key));
    }
    tm_block_wait();
}

/* Walks down the bins from `before` and `mass_before`, and leaves in `found` the first bin with
 * which the sum (of counts or of masses) exceeds `limit`, and what comes before it; found is
 * 2^width when there is none. */
TM_ITEM void tm_cut_walk(tm_cut_work *work, int width, int by_mass, uint64_t limit, uint64_t before,
                         uint64_t mass_before) {
    const int bins = 1 << width, own = bins / TM_TEAM, lane = tm_block_thread();
    if (lane >= TM_TEAM)
        return;
    const int first = bins - 1 - lane * own; /* the first lane has the highest bins */
    uint64_t counts = 0, masses = 0;
    for (int bin = first; bin > first - own; --bin) {
        counts += work->count[bin];
        masses += work->mass[bin];
    }
    const uint64_t all_counts = before + tm_team_total(counts);
    const uint64_t all_masses = mass_before + tm_team_total(masses);
    uint64_t count = before + tm_team_before(counts), mass = mass_before + tm_team_before(masses);
    if (lane == 0 && (by_mass ? all_masses : all_counts) <= limit)
        work->mass_before = all_masses;
    if ((by_mass ? mass : count) > limit || (by_mass ? mass + masses : count + counts) <= limit)
        return;
    int bin = first;
    while ((by_mass ? mass + work->mass[bin] : count + work->count[bin]) <= limit) {
        count += work->count[bin];
        mass += work->mass[bin];
        --bin;
    }
    work->found = (uint64_t)bin;
    work->before = count;
    work->mass_before = mass;
}

/* A key stays while the number (by_mass: the weight) of the keys before it is at most `limit`. All
 * threads of a block call it and get the same. */
TM_ITEM tm_cut tm_cut_find(const tm_cut_row *row, tm_cut_work *work, int by_mass, uint64_t limit) {
    uint32_t key = 0;
    uint64_t before = 0, mass_before = 0;
    int shift = 32;
    for (int level = 0; level < 3; ++level) {
        const int width = level < 2 ? 11 : 10;
        shift -= width;
        tm_cut_count(row, work, key, shift, width);
        tm_cut_walk(work, width, by_mass, limit, before, mass_before);
        tm_block_wait();
        const uint64_t found = work->found;
        before = work->before;
        mass_before = work->mass_before;
        tm_block_wait();                     /* before the next level writes there */
        if (found == (uint64_t)1 << width) { /* on the first level only: everything stays */
            const tm_cut all = {0, (uint64_t)row->length, mass_before};
            return all;
        }
        key |= (uint32_t)found << shift;
    }
    const uint64_t equal = work->count[key & 1023], weight = tm_cut_weight(row, key);
    uint64_t ties = equal;
    if (!by_mass)
        ties = limit - before + 1;
    else if (weight > 0)
        ties = (limit - mass_before) / weight + 1;
    ties = ties < equal ? ties : equal;
    tm_block_wait();
    const tm_cut cut = {key, ties, mass_before + ties * weight};
    return cut;
}

#endif
