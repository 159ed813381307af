#include "reports/history_change.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reports/gate.h"

/* Solutions that change in one run before it is said that they do so together. */
#define FEWEST_OF_WAVE 3

const char *tm_history_verdict_name(tm_history_verdict verdict) {
    static const char *const names[] = {"CHANGED",   "LAST_RUN_DIFFERS", "STEADY",
                                        "TOO_NOISY", "TOO_FEW_RUNS",     "NEVER_TIMED"};
    return names[verdict];
}

const char *tm_history_kind_name(tm_history_kind kind) {
    static const char *const names[] = {"SLOWER", "FASTER", "BROKE", "FIXED", "FAILS_OTHERWISE"};
    return names[kind];
}

/* ---- each series ---- */

static void select_points(tm_arena *arena, tm_history_changes *all, tm_history_cut *cut) {
    const tm_history_series *series = cut->series;
    cut->used = tm_arena_array(arena, series->count, sizeof(*cut->used));
    for (size_t i = 0; i < series->count; i++) {
        const tm_history_point *point = &series->points[i];
        if (point->timing.source == TM_TIMING_NONE)
            continue;
        if (point->is_crowded)
            all->crowded++;
        else
            cut->used[cut->used_count++] = i;
    }
}

static bool was_timed(const tm_history_series *series) {
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].timing.source != TM_TIMING_NONE)
            return true;
    return false;
}

static void cut_series(tm_arena *arena, const tm_history_changes *all, tm_history_cut *cut) {
    tm_arena *own = tm_arena_create();
    tm_timing *timings = tm_arena_array(own, cut->used_count, sizeof(*timings));
    for (size_t i = 0; i < cut->used_count; i++)
        timings[i] = cut->series->points[cut->used[i]].timing;
    double noise, noise_ns;
    tm_gate_noise(cut->series->is_cpu ? "cpu" : "cuda", &noise, &noise_ns);
    if (all->options.noise > 0.0)
        noise = all->options.noise;
    tm_change_point_value *values =
        tm_change_point_values(own, timings, cut->used_count, noise, noise_ns);
    cut->found =
        tm_change_point_find(arena, values, cut->used_count, all->chance, all->options.threshold);
    tm_arena_destroy(own);
}

static tm_history_verdict verdict_of(const tm_history_cut *cut) {
    if (cut->used_count == 0)
        return was_timed(cut->series) ? TM_HISTORY_SHORT : TM_HISTORY_NEVER_TIMED;
    if (cut->found.count > 1)
        return TM_HISTORY_CHANGED;
    if (cut->found.last_differs)
        return TM_HISTORY_LAST_DIFFERS;
    if (cut->used_count < TM_HISTORY_FEWEST)
        return TM_HISTORY_SHORT;
    return cut->found.smallest > log1p(TM_HISTORY_NOISY) ? TM_HISTORY_NOISY_SERIES
                                                         : TM_HISTORY_STEADY;
}

static tm_history_cut *cut_all(tm_arena *arena, tm_history_changes *all) {
    const tm_history *history = all->history;
    tm_history_cut *cuts = tm_arena_array(arena, history->series_count, sizeof(*cuts));
    double positions = 0.0;
    for (size_t i = 0; i < history->series_count; i++) {
        cuts[i].series = &history->series[i];
        select_points(arena, all, &cuts[i]);
        positions += cuts[i].used_count > 1 ? (double)(cuts[i].used_count - 1) : 0.0;
        tm_status last = cuts[i].series->points[cuts[i].series->count - 1].status;
        all->failing += last != TM_STATUS_PASSED && last != TM_STATUS_VOID;
    }
    all->chance = TM_CHANGE_POINT_LEVEL / fmax(1.0, positions);
    for (size_t i = 0; i < history->series_count; i++) {
        if (cuts[i].used_count > 0)
            cut_series(arena, all, &cuts[i]);
        cuts[i].verdict = verdict_of(&cuts[i]);
        all->by_verdict[cuts[i].verdict]++;
    }
    return cuts;
}

/* ---- events ---- */

/* What one row did. */
typedef struct {
    tm_history_kind kind;
    bool is_last;
    size_t cut, before, run; /* points of the series */
    size_t before_run, first_run;
    double change, margin, before_log, after_log;
    tm_status from, to;
    bool is_taken;
} step;

typedef struct {
    tm_arena *arena;
    tm_history_changes *all;
    const tm_history_cut *cuts;
    step *steps;
    size_t count, capacity;
    tm_history_event *events;
    size_t event_count, event_capacity;
} collector;

static void add_step(collector *to, step one) {
    const tm_history_point *points = to->cuts[one.cut].series->points;
    one.before_run = points[one.before].run;
    one.first_run = points[one.run].run;
    to->steps = tm_arena_grow(to->arena, to->steps, to->count, &to->capacity, sizeof(*to->steps));
    to->steps[to->count++] = one;
}

static tm_history_kind kind_of(double change) {
    return change > 0.0 ? TM_HISTORY_SLOWER : TM_HISTORY_FASTER;
}

static void add_latency_steps(collector *to, size_t index) {
    const tm_history_cut *cut = &to->cuts[index];
    const tm_change_points *found = &cut->found;
    for (size_t i = 1; i < found->count; i++) {
        double change = found->levels[i].level - found->levels[i - 1].level;
        size_t begin = found->levels[i].begin;
        add_step(to, (step){.kind = kind_of(change),
                            .cut = index,
                            .before = cut->used[begin - 1],
                            .run = cut->used[begin],
                            .change = change,
                            .before_log = found->levels[i - 1].level,
                            .after_log = found->levels[i].level,
                            .margin = tm_change_point_margin(found, i)});
    }
    if (!found->last_differs)
        return;
    double last = log(cut->series->points[cut->used[cut->used_count - 1]].latency_ms * 1e6);
    add_step(to, (step){.kind = kind_of(found->last_apart),
                        .is_last = true,
                        .cut = index,
                        .before = cut->used[cut->used_count - 2],
                        .run = cut->used[cut->used_count - 1],
                        .change = found->last_apart,
                        .before_log = last - found->last_apart,
                        .after_log = last,
                        .margin = found->last_margin});
}

/* VOID is no verdict on the solution: what stands before and behind it is compared. */
static void add_status_steps(collector *to, size_t index) {
    const tm_history_series *series = to->cuts[index].series;
    size_t before = SIZE_MAX;
    for (size_t i = 0; i < series->count; i++) {
        tm_status now = series->points[i].status;
        if (now == TM_STATUS_VOID)
            continue;
        tm_status was = before != SIZE_MAX ? series->points[before].status : now;
        if (was != now)
            add_step(to, (step){.kind = now == TM_STATUS_PASSED   ? TM_HISTORY_FIXED
                                        : was == TM_STATUS_PASSED ? TM_HISTORY_BROKE
                                                                  : TM_HISTORY_OTHERWISE,
                                .cut = index,
                                .before = before,
                                .run = i,
                                .from = was,
                                .to = now});
        before = i;
    }
}

/* The same thing, at most a run apart. */
static bool is_alike(const step *centre, const step *one) {
    return !one->is_taken && one->kind == centre->kind && one->is_last == centre->is_last &&
           one->from == centre->from && one->to == centre->to &&
           one->first_run + 1 >= centre->first_run && one->first_run <= centre->first_run + 1;
}

static int code_of(const tm_history_series *series, const step *one) {
    const char *before = series->points[one->before].code, *now = series->points[one->run].code;
    return before[0] == '\0' || now[0] == '\0' ? -1 : strcmp(before, now) == 0;
}

static const char *version_of(const tm_history_point *point, const char *name) {
    for (size_t i = 0; i < point->lib_count; i++)
        if (strcmp(point->libs[i].name, name) == 0)
            return point->libs[i].version;
    return NULL;
}

/* What changed beside the solution, as far as the traces tell. */
static const char *also_of(tm_arena *arena, const tm_history_point *before,
                           const tm_history_point *now) {
    const char *text = "";
    for (size_t i = 0; i < now->lib_count; i++) {
        const char *name = now->libs[i].name, *old = version_of(before, name);
        if (old != NULL && strcmp(old, now->libs[i].version) != 0)
            text = tm_arena_format(arena, "%s%s%s %s to %s", text, text[0] ? ", " : "", name, old,
                                   now->libs[i].version);
    }
    if (before->harness[0] != '\0' && now->harness[0] != '\0' &&
        strcmp(before->harness, now->harness) != 0)
        text = tm_arena_format(arena, "%s%sanother harness", text, text[0] ? ", " : "");
    return text;
}

/* Rows of the solution that were measured (or judged) at both ends. */
static size_t count_rows(const collector *to, size_t begin, size_t end, const step *centre) {
    size_t rows = 0;
    for (size_t i = begin; i < end; i++) {
        const tm_history_series *series = to->cuts[i].series;
        bool before = false, after = false, is_status = centre->kind >= TM_HISTORY_BROKE;
        for (size_t j = 0; j < series->count; j++) {
            const tm_history_point *point = &series->points[j];
            if (!is_status && point->timing.source == TM_TIMING_NONE)
                continue;
            before |= point->run < centre->first_run;
            after |= point->run >= centre->first_run;
        }
        rows += before && after;
    }
    return rows;
}

static void make_event(collector *to, const step *centre, size_t begin, size_t end) {
    size_t *rows = tm_arena_array(to->arena, end - begin, sizeof(*rows)), row_count = 0;
    double change = 0.0, margin = 0.0, before_log = 0.0, after_log = 0.0;
    tm_history_event event = {.kind = centre->kind,
                              .series = to->cuts[centre->cut].series,
                              .rows = rows,
                              .before = centre->before_run,
                              .run = centre->first_run,
                              .is_last = centre->is_last,
                              .from = centre->from,
                              .to = centre->to,
                              .same_code = 1,
                              .of_rows = count_rows(to, begin, end, centre)};
    event.reason = event.series->points[centre->run].reason;
    event.also = also_of(to->arena, &event.series->points[centre->before],
                         &event.series->points[centre->run]);
    for (size_t i = 0; i < to->count; i++) {
        step *one = &to->steps[i];
        if (!is_alike(centre, one))
            continue;
        one->is_taken = true;
        if (row_count > 0 && rows[row_count - 1] == one->cut)
            continue; /* a row counts once; its steps stand together */
        int code = code_of(to->cuts[one->cut].series, one);
        event.same_code = code < event.same_code ? code : event.same_code;
        change += one->change;
        margin += one->margin;
        before_log += one->before_log;
        after_log += one->after_log;
        rows[row_count++] = one->cut;
    }
    event.row_count = row_count;
    if (event.kind < TM_HISTORY_BROKE) {
        /* Rows of a run may be off together: their noise is not averaged away. */
        double n = (double)row_count;
        event.ratio = exp(change / n);
        event.low = exp((change - margin) / n);
        event.high = exp((change + margin) / n);
        event.before_ms = exp(before_log / n) / 1e6;
        event.after_ms = exp(after_log / n) / 1e6;
    }
    to->events = tm_arena_grow(to->arena, to->events, to->event_count, &to->event_capacity,
                               sizeof(*to->events));
    to->events[to->event_count++] = event;
}

/* The steps of one solution on one device, whose rows are cuts begin .. end: around the run in
 * which most happened first. */
static void group_steps(collector *to, size_t begin, size_t end) {
    for (;;) {
        const step *best = NULL;
        size_t most = 0;
        for (size_t i = 0; i < to->count; i++) {
            size_t alike = 0;
            for (size_t j = 0; j < to->count && !to->steps[i].is_taken; j++)
                alike += is_alike(&to->steps[i], &to->steps[j]) &&
                         to->steps[i].first_run == to->steps[j].first_run;
            if (alike > most) {
                most = alike;
                best = &to->steps[i];
            }
        }
        if (best == NULL)
            return;
        const step centre = *best;
        make_event(to, &centre, begin, end);
    }
}

static int compare_events(const void *left_pointer, const void *right_pointer) {
    const tm_history_event *left = left_pointer, *right = right_pointer;
    bool left_status = left->kind >= TM_HISTORY_BROKE,
         right_status = right->kind >= TM_HISTORY_BROKE;
    if (left_status != right_status)
        return left_status ? 1 : -1;
    if (left->is_last != right->is_last)
        return left->is_last ? 1 : -1;
    if (left_status && left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    double old = left_status ? -(double)left->run : -fabs(log(left->ratio));
    double new = right_status ? -(double)right->run : -fabs(log(right->ratio));
    if (old != new)
        return old < new ? -1 : 1;
    return (left->series > right->series) - (left->series < right->series);
}

/* ---- all together ---- */

/* How many solutions have timed rows in a run. */
static size_t count_solutions(const tm_history *history, size_t run) {
    size_t count = 0;
    for (size_t i = 0; i < history->series_count;) {
        const tm_history_series *first = &history->series[i];
        bool is_there = false;
        for (; i < history->series_count && tm_history_is_same_solution(first, &history->series[i]);
             i++)
            for (size_t j = 0; j < history->series[i].count; j++)
                is_there |= history->series[i].points[j].run == run &&
                            history->series[i].points[j].timing.source != TM_TIMING_NONE;
        count += is_there;
    }
    return count;
}

static void find_waves(tm_arena *arena, tm_history_changes *all) {
    tm_history_wave *waves = tm_arena_array(arena, all->history->run_count * 2, sizeof(*waves));
    for (size_t run = 1; run < all->history->run_count; run++)
        for (int kind = TM_HISTORY_SLOWER; kind <= TM_HISTORY_FASTER; kind++) {
            size_t solutions = 0;
            for (size_t i = 0; i < all->event_count; i++)
                solutions += all->events[i].run == run && (int)all->events[i].kind == kind;
            if (solutions < FEWEST_OF_WAVE)
                continue;
            size_t of = count_solutions(all->history, run);
            if (2 * solutions > of)
                waves[all->wave_count++] =
                    (tm_history_wave){run, solutions, of, (tm_history_kind)kind};
        }
    all->waves = waves;
}

tm_history_changes *tm_history_change_find(tm_arena *arena, const tm_history *history,
                                           tm_history_options options) {
    tm_history_changes *all = tm_arena_alloc(arena, sizeof(*all));
    *all = (tm_history_changes){.history = history, .options = options};
    tm_history_cut *cuts = cut_all(arena, all);
    all->cuts = cuts;
    collector to = {.arena = arena, .all = all, .cuts = cuts};
    for (size_t begin = 0, end; begin < history->series_count; begin = end) {
        to.count = 0;
        for (end = begin;
             end < history->series_count &&
             tm_history_is_same_solution(&history->series[begin], &history->series[end]);
             end++) {
            add_latency_steps(&to, end);
            add_status_steps(&to, end);
        }
        group_steps(&to, begin, end);
    }
    if (to.event_count > 0)
        qsort(to.events, to.event_count, sizeof(*to.events), compare_events);
    all->events = to.events;
    all->event_count = to.event_count;
    find_waves(arena, all);
    return all;
}
