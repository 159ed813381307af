#include "gen/draw.h"

#include <stdlib.h>

#include "lib/random.h"
#include "lib/text.h"

/* The last word of a counter: random inputs have 0 there. */
#define DRAW_WORD 1

tm_draw tm_draw_start(int64_t seed, const char *what) {
    uint64_t hash = tm_text_hash(TM_TEXT_HASH_START, what);
    return (tm_draw){(uint64_t)seed, (uint32_t)(hash ^ hash >> 32)};
}

static philox4x32_ctr_t block(tm_draw draw, uint64_t index) {
    philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), draw.stream, DRAW_WORD}};
    philox4x32_key_t key = {{(uint32_t)draw.seed, (uint32_t)(draw.seed >> 32)}};
    return philox4x32(counter, key);
}

uint32_t tm_draw_word(tm_draw draw, uint64_t index) {
    return block(draw, index).v[0];
}

double tm_draw_uniform(tm_draw draw, uint64_t index) {
    philox4x32_ctr_t words = block(draw, index);
    return (double)((uint64_t)words.v[0] << 20 | words.v[1] >> 12) * 0x1p-52;
}

int64_t tm_draw_below(tm_draw draw, uint64_t index, int64_t n) {
    philox4x32_ctr_t words = block(draw, index);
    uint64_t word = (uint64_t)words.v[0] << 32 | words.v[1];
    return (int64_t)((unsigned __int128)word * (uint64_t)n >> 64);
}

double tm_draw_normal(tm_draw draw, uint64_t index) {
    philox4x32_ctr_t words = block(draw, index);
    float normals[2];
    tm_random_normals2(words.v[0], words.v[1], normals);
    return (double)normals[0];
}

/* A Feistel network over the next even power of two; what falls outside goes round again. */
int64_t tm_draw_permuted(tm_draw draw, int64_t n, int64_t index) {
    int half = 1;
    while (half < 31 && (INT64_C(1) << 2 * half) < n)
        half++;
    uint64_t mask = (UINT64_C(1) << half) - 1, value = (uint64_t)index;
    do {
        uint64_t left = value >> half, right = value & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t mixed = left ^ (tm_draw_word(draw, round << 32 | right) & mask);
            left = right;
            right = mixed;
        }
        value = left << half | right;
    } while (value >= (uint64_t)n);
    return (int64_t)value;
}

typedef struct {
    double rest;
    int64_t index;
} remainder;

static int compare_rests(const void *a, const void *b) {
    const remainder *left = a, *right = b;
    if (left->rest != right->rest)
        return left->rest > right->rest ? -1 : 1;
    return left->index < right->index ? -1 : 1;
}

void tm_draw_split(tm_draw draw, double sigma, int64_t total, int64_t least, int64_t count,
                   int64_t *parts, tm_arena *arena) {
    /* Where the total does not reach, the first of a random order have one more. */
    if (least > 0 && total / count < least) {
        for (int64_t i = 0; i < count; i++)
            parts[i] = total / count + (tm_draw_permuted(draw, count, i) < total % count);
        return;
    }
    double *weights = tm_arena_array(arena, (size_t)count, sizeof *weights), sum = 0;
    remainder *rests = tm_arena_array(arena, (size_t)count, sizeof *rests);
    for (int64_t i = 0; i < count; i++) {
        weights[i] = tm_draw_exp(sigma * tm_draw_normal(draw, (uint64_t)i));
        sum += weights[i];
    }
    int64_t free_total = total - least * count, left = free_total;
    for (int64_t i = 0; i < count; i++) {
        double share = (double)free_total * (weights[i] / sum);
        int64_t whole = (int64_t)share;
        parts[i] = least + whole;
        rests[i] = (remainder){share - (double)whole, i};
        left -= whole;
    }
    /* The largest remainders have one more; roundings of large totals may leave a few for all. */
    qsort(rests, (size_t)count, sizeof *rests, compare_rests);
    for (int64_t i = 0; left != 0; i = (i + 1) % count) {
        int64_t step = left > 0 ? 1 : -1;
        if (step < 0 && parts[rests[i].index] == least)
            continue;
        parts[rests[i].index] += step;
        left -= step;
    }
}

double tm_draw_root(double x) {
    return __builtin_sqrt(x);
}

double tm_draw_exp(double x) {
    if (x < -700)
        return 0;
    if (x > 700)
        x = 700;
    double whole = x * 1.4426950408889634; /* 1 / ln 2 */
    int64_t k = (int64_t)(whole < 0 ? whole - 0.5 : whole + 0.5);
    double r = (x - (double)k * 0x1.62e42fefp-1) - (double)k * 0x1.473de6af278edp-34;
    double sum = 1;
    for (int term = 14; term > 0; term--)
        sum = 1 + sum * r / term;
    double power = 1, base = k < 0 ? 0.5 : 2;
    for (int64_t n = k < 0 ? -k : k; n; n >>= 1, base *= base)
        if (n & 1)
            power *= base;
    return sum * power;
}

/* Taylor polynomials after the nearest multiple of pi / 2 is taken away, in three parts of pi. */
void tm_draw_sine_cosine(double x, double *sine, double *cosine) {
    double turns = x * 0.63661977236758134; /* 2 / pi */
    int64_t k = (int64_t)(turns < 0 ? turns - 0.5 : turns + 0.5);
    double r = ((x - (double)k * 0x1.921fb544p+0) - (double)k * 0x1.0b4611ap-34) -
               (double)k * 0x1.898cc51701b84p-64;
    double z = r * r, s = 1, c = 1;
    for (int term = 16; term > 0; term -= 2) {
        s = 1 - s * z / (term * (term + 1));
        c = 1 - c * z / (term * (term - 1));
    }
    s *= r;
    double sines[] = {s, c, -s, -c};
    *sine = sines[k & 3];
    *cosine = sines[(k + 1) & 3];
}
