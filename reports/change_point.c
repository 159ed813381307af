#include "reports/change_point.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/number.h"
#include "reports/student.h"

/* How much of the penalty one value can cost. Below 1, so that one value is never a change; above
 * 1/2, so that two at an end are; above 2/3, so that three between two changes are. */
#define MOST_OF_PENALTY 0.75
/* Of differences of neighbours, the share that may come of changes and outliers. */
#define TRIMMED_SHARE 0.15
#define INTERVAL_SHARE 0.95
/* How many degrees of freedom the known variance is worth where the values scatter less. */
#define PRIOR_FREEDOM 4.0

/* Above 0 where |T| >= t is likelier than `chance`; its logarithm is nearly straight. */
static double excess(double t, double freedom, double chance) {
    return log(fmax(tm_student_two_sided(t, freedom), 1e-300) / chance);
}

/* t with P(|T| >= t) = chance < 1: false position, as the Illinois rule has it. */
static double quantile(double chance, double freedom) {
    double low = 0.0, high = 1.0, above = -log(chance), below;
    while ((below = excess(high, freedom, chance)) > 0.0 && high < 1e6) {
        low = high;
        above = below;
        high *= 2.0;
    }
    double last = 0.0;
    for (int i = 0; i < 60 && high - low > 1e-9 * high; i++) {
        double t = low + (high - low) * above / (above - below);
        double found = excess(t, freedom, chance);
        if (fabs(found) < 1e-9)
            return t;
        if (found > 0.0) {
            low = t;
            above = found;
            below /= last > 0.0 ? 2.0 : 1.0;
        } else {
            high = t;
            below = found;
            above /= last < 0.0 ? 2.0 : 1.0;
        }
        last = found;
    }
    return high;
}

/* ---- noise ---- */

tm_change_point_value *tm_change_point_values(tm_arena *arena, const tm_timing *timings,
                                              size_t count, double noise, double noise_ns) {
    tm_change_point_value *values = tm_arena_array(arena, count, sizeof(*values));
    double squares = 0.0, freedom = 0.0;
    for (size_t i = 0; i < count; i++) {
        squares += tm_timing_scatter(&timings[i]);
        freedom += (double)(timings[i].trial_count - 1);
    }
    double trial = freedom > 0.0 ? squares / freedom : 0.0;
    for (size_t i = 0; i < count; i++) {
        double latency_ns = tm_timing_latency_ns(&timings[i]), absolute = noise_ns / latency_ns;
        values[i].log = log(latency_ns);
        /* Runs differ among each other at least as trials of a run do. */
        values[i].variance = noise * noise + absolute * absolute +
                             trial * (1.0 + 1.0 / (double)timings[i].trial_count);
    }
    return values;
}

typedef struct {
    double scale, freedom;
} noise;

/* The mean square of differences of neighbours over what is expected of them, without the largest
 * (von Neumann 1941, trimmed). A normal distribution that is cut there has a smaller one, by a
 * known factor. */
static noise estimate(const tm_change_point_value *values, size_t count) {
    if (count < 3)
        return (noise){1.0, INFINITY};
    size_t differences = count - 1;
    size_t trimmed = (size_t)ceil(TRIMMED_SHARE * (double)differences);
    size_t kept = differences - trimmed;
    double *squares = malloc(differences * sizeof(*squares)), sum = 0.0;
    if (squares == NULL)
        abort();
    for (size_t i = 0; i < differences; i++) {
        double apart = values[i + 1].log - values[i].log;
        squares[i] = apart * apart / (values[i + 1].variance + values[i].variance);
    }
    qsort(squares, differences, sizeof(*squares), tm_number_compare);
    for (size_t i = 0; i < kept; i++)
        sum += squares[i];
    free(squares);
    double share = (double)kept / (double)differences, cut = quantile(1.0 - share, INFINITY);
    double density = exp(-cut * cut / 2.0) / sqrt(2.0 * acos(-1.0));
    double found = sum / (double)kept / (1.0 - 2.0 * cut * density / share);
    double freedom = 2.0 / 3.0 * (double)kept; /* differences overlap */
    if (found <= 1.0)
        return (noise){(PRIOR_FREEDOM + freedom * found) / (PRIOR_FREEDOM + freedom), INFINITY};
    /* One part is known (Satterthwaite). */
    double part = (found - 1.0) / found;
    return (noise){found, freedom / (part * part)};
}

/* ---- the cheapest changes ---- */

/* Up to `to`, the cost of everything so far is a m^2 + b m + c when the present level is m and
 * began at `since`. */
typedef struct {
    double to, a, b, c;
    size_t since;
} piece;

typedef struct {
    tm_arena *arena;
    piece *pieces;
    size_t count, capacity;
} cost;

static void push(cost *out, piece one) {
    piece *last = out->count > 0 ? &out->pieces[out->count - 1] : NULL;
    if (last != NULL && last->a == one.a && last->b == one.b && last->c == one.c &&
        last->since == one.since) {
        last->to = one.to;
        return;
    }
    out->pieces =
        tm_arena_grow(out->arena, out->pieces, out->count, &out->capacity, sizeof(*out->pieces));
    out->pieces[out->count++] = one;
}

/* Least cost over all levels; `since` tells when the last of the changes was. */
static double least_cost(const cost *of, double from, size_t *since) {
    double least = INFINITY;
    for (size_t i = 0; i < of->count; from = of->pieces[i++].to) {
        const piece *one = &of->pieces[i];
        double at = one->a > 0.0 ? fmin(fmax(-one->b / (2.0 * one->a), from), one->to) : one->to;
        double value = (one->a * at + one->b) * at + one->c;
        if (value < least) {
            least = value;
            *since = one->since;
        }
    }
    return least;
}

/* The smaller of what `of` costs and `bound`, which a change at `since` costs. */
static void bound_cost(cost *out, const cost *of, double from, double bound, size_t since) {
    out->count = 0;
    for (size_t i = 0; i < of->count; from = of->pieces[i++].to) {
        piece one = of->pieces[i], flat = {one.to, 0.0, 0.0, bound, since};
        double inside = one.b * one.b - 4.0 * one.a * (one.c - bound);
        if (one.a <= 0.0) {
            push(out, one.c < bound ? one : flat);
            continue;
        }
        double root = inside > 0.0 ? sqrt(inside) : 0.0;
        double left = fmax(from, (-one.b - root) / (2.0 * one.a));
        double right = fmin(one.to, (-one.b + root) / (2.0 * one.a));
        if (inside <= 0.0 || left >= right) {
            push(out, flat);
            continue;
        }
        if (left > from)
            push(out, (piece){left, 0.0, 0.0, bound, since});
        push(out, (piece){right, one.a, one.b, one.c, one.since});
        if (right < one.to)
            push(out, flat);
    }
}

/* Adds what a value costs: its squared distance, at most `most`. */
static void add_value(cost *out, const cost *of, double from, double at, double variance,
                      double most) {
    double reach = sqrt(most * variance), edges[] = {at - reach, at + reach, INFINITY};
    out->count = 0;
    for (size_t i = 0; i < of->count; from = of->pieces[i++].to) {
        piece one = of->pieces[i];
        double begin = from;
        for (int edge = 0; edge < 3 && begin < one.to; edge++) {
            if (edges[edge] <= begin)
                continue;
            piece part = one;
            part.to = fmin(one.to, edges[edge]);
            part.a += edge == 1 ? 1.0 / variance : 0.0;
            part.b -= edge == 1 ? 2.0 * at / variance : 0.0;
            part.c += edge == 1 ? at * at / variance : most;
            push(out, part);
            begin = part.to;
        }
    }
}

/* since[n]: where the last level of the first n values begins when they are cut at least cost
 * (functional pruning: Maidstone and others 2017). */
static void cut(const tm_change_point_value *values, size_t count, double scale, double penalty,
                size_t *since) {
    tm_arena *own = tm_arena_create();
    cost now = {.arena = own}, next = {.arena = own};
    double centre = values[0].log, low = 0.0, high = 0.0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, values[i].log - centre);
        high = fmax(high, values[i].log - centre);
    }
    double from = low - 1.0;
    push(&now, (piece){.to = high + 1.0});
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            double least = least_cost(&now, from, &since[i]);
            bound_cost(&next, &now, from, least + penalty, i);
        }
        add_value(i > 0 ? &now : &next, i > 0 ? &next : &now, from, values[i].log - centre,
                  values[i].variance * scale, MOST_OF_PENALTY * penalty);
        if (i == 0) {
            cost first = next;
            next = now;
            now = first;
        }
    }
    least_cost(&now, from, &since[count]);
    tm_arena_destroy(own);
}

/* ---- levels ---- */

typedef struct {
    const tm_change_point_value *values;
    double scale, most; /* what a value costs at most */
} fit;

typedef struct {
    double mean, deviation, cost;
    size_t outliers;
} level_fit;

/* The mean of the values within reach of `centre`. */
static level_fit fit_around(const fit *of, size_t begin, size_t end, double centre) {
    double weights = 0.0, sum = 0.0;
    level_fit result = {0};
    for (size_t i = begin; i < end; i++) {
        double apart = of->values[i].log - centre, variance = of->values[i].variance * of->scale;
        if (apart * apart > of->most * variance) {
            result.outliers++;
            result.cost += of->most;
            continue;
        }
        weights += 1.0 / variance;
        sum += apart / variance;
    }
    result.mean = centre + (weights > 0.0 ? sum / weights : 0.0);
    result.deviation = weights > 0.0 ? 1.0 / sqrt(weights) : INFINITY;
    for (size_t i = begin; i < end; i++) {
        double apart = of->values[i].log - centre, off = of->values[i].log - result.mean;
        double variance = of->values[i].variance * of->scale;
        if (apart * apart <= of->most * variance)
            result.cost += off * off / variance;
    }
    return result;
}

static tm_change_point_level level_of(const fit *of, size_t begin, size_t end) {
    level_fit best = {.cost = INFINITY};
    for (size_t i = begin; i < end; i++) {
        level_fit one = fit_around(of, begin, end, of->values[i].log);
        if (one.cost < best.cost)
            best = one;
    }
    for (int i = 0; i < 20; i++) { /* each step costs less, or nothing changes */
        level_fit next = fit_around(of, begin, end, best.mean);
        if (!(next.cost < best.cost))
            break;
        best = next;
    }
    return (tm_change_point_level){begin, end, best.outliers, best.mean, best.deviation};
}

/* Takes back the smallest change as long as it is not relevant. */
static size_t drop_irrelevant(const fit *of, tm_change_point_level *levels, size_t count,
                              double threshold) {
    while (count > 1) {
        size_t smallest = 1;
        for (size_t i = 1; i < count; i++)
            if (fabs(levels[i].level - levels[i - 1].level) <
                fabs(levels[smallest].level - levels[smallest - 1].level))
                smallest = i;
        if (fabs(levels[smallest].level - levels[smallest - 1].level) >= log1p(threshold))
            break;
        levels[smallest - 1] = level_of(of, levels[smallest - 1].begin, levels[smallest].end);
        for (size_t i = smallest; i + 1 < count; i++)
            levels[i] = levels[i + 1];
        count--;
    }
    return count;
}

tm_change_points tm_change_point_find(tm_arena *arena, const tm_change_point_value *values,
                                      size_t count, double chance, double threshold) {
    noise noise_found = estimate(values, count);
    double limit = quantile(chance, noise_found.freedom), penalty = limit * limit;
    fit of = {values, noise_found.scale, MOST_OF_PENALTY * penalty};
    size_t *since = tm_arena_array(arena, count + 1, sizeof(*since)), found = 0;
    cut(values, count, noise_found.scale, penalty, since);
    for (size_t end = count; end > 0; end = since[end])
        found++;
    tm_change_points result = {.levels = tm_arena_array(arena, found, sizeof(*result.levels)),
                               .freedom = noise_found.freedom,
                               .scale = noise_found.scale};
    for (size_t end = count, i = found; end > 0; end = since[end])
        result.levels[--i] = level_of(&of, since[end], end);
    result.count = drop_irrelevant(&of, result.levels, found, threshold);
    double weights = 0.0;
    for (size_t i = 0; i < count; i++)
        weights += 1.0 / (values[i].variance * of.scale);
    result.smallest = limit * sqrt(4.0 / weights);
    const tm_change_point_level *last = &result.levels[result.count - 1];
    if (last->end - last->begin < 2)
        return result;
    tm_change_point_level before = level_of(&of, last->begin, count - 1);
    double variance = values[count - 1].variance * of.scale + before.deviation * before.deviation;
    result.last_apart = values[count - 1].log - before.level;
    result.last_margin = quantile(1.0 - INTERVAL_SHARE, result.freedom) * sqrt(variance);
    result.last_differs = fabs(result.last_apart) > limit * sqrt(variance) &&
                          fabs(result.last_apart) >= log1p(threshold);
    return result;
}

double tm_change_point_margin(const tm_change_points *points, size_t index) {
    double before = points->levels[index - 1].deviation, after = points->levels[index].deviation;
    return quantile(1.0 - INTERVAL_SHARE, points->freedom) * sqrt(before * before + after * after);
}
