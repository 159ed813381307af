#include "reports/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/instant.h"
#include "lib/text.h"
#include "reports/baseline.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/folder.h"

typedef struct {
    tm_history_series of; /* without points */
    const char *clock;
    tm_history_point point;
    bool is_repeated;
} row;

typedef struct {
    tm_history_run shown;
    size_t given_at;
    dev_t device;
    ino_t file;
} run;

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
    const char *definitions, *solutions;
    row *rows;
    size_t row_count, row_capacity;
    run *runs;
    size_t run_count;
    bool is_refused, has_broken;
} reader;

static const char *keep(tm_arena *arena, const char *text) {
    return text != NULL && text[0] != '\0' ? tm_arena_copy(arena, text, strlen(text)) : "";
}

/* ---- one run ---- */

/* What an artifact says was built: the first line of a file. */
static const char *commit_of(tm_arena *arena, const char *folder) {
    tm_arena *own = tm_arena_create();
    const tm_source *source =
        tm_file_read(own, tm_file_join(own, folder, "configuration/commit.txt"));
    const char *text = source != NULL ? source->text : "";
    size_t length = strcspn(text, "\r\n");
    const char *commit =
        tm_text_utf8_prefix(text, length) == length ? tm_arena_copy(arena, text, length) : "";
    if (strcmp(commit, "unknown") == 0)
        commit = "";
    tm_arena_destroy(own);
    return commit;
}

static double spread_of(const tm_timing *timing) {
    double latency = tm_timing_latency_ns(timing), squares = 0.0;
    if (timing->trial_count < 2)
        return timing->trial_count == 1 && latency > 0.0
                   ? timing->trials[0].standard_deviation_ns / latency
                   : 0.0;
    for (size_t i = 0; i < timing->trial_count; i++) {
        double apart = timing->trials[i].median_ns - latency;
        squares += apart * apart;
    }
    return sqrt(squares / (double)(timing->trial_count - 1)) / latency;
}

/* Most traces of a run name the same libraries: those of the row before. */
static void keep_libs(reader *all, const tm_trace *trace, tm_history_point *point) {
    const tm_history_point *last = all->row_count > 0 ? &all->rows[all->row_count - 1].point : NULL;
    bool is_same = last != NULL && last->lib_count == trace->lib_count;
    for (size_t i = 0; is_same && i < trace->lib_count; i++)
        is_same = strcmp(last->libs[i].name, trace->libs[i].name) == 0 &&
                  strcmp(last->libs[i].version, trace->libs[i].version) == 0;
    point->lib_count = trace->lib_count;
    if (is_same) {
        point->libs = last->libs;
        return;
    }
    tm_trace_lib *libs = tm_arena_array(all->arena, trace->lib_count, sizeof(*libs));
    for (size_t i = 0; i < trace->lib_count; i++)
        libs[i] = (tm_trace_lib){keep(all->arena, trace->libs[i].name),
                                 keep(all->arena, trace->libs[i].version)};
    point->libs = libs;
}

static void take_cell(reader *all, size_t run_index, const tm_baseline_cell *cell) {
    const tm_trace *trace = &cell->trace;
    if (!tm_text_matches(all->definitions, trace->definition) ||
        !tm_text_matches(all->solutions, trace->solution))
        return;
    tm_arena *arena = all->arena;
    tm_timing timing = tm_timing_read(arena, trace, NULL);
    const tm_node *details = trace->details_node;
    row one = {
        .of = {.definition = keep(arena, trace->definition),
               .solution = keep(arena, trace->solution),
               .author = keep(arena, trace->author),
               .uuid = keep(arena, cell->uuid),
               .axes = keep(arena, tm_figure_axes(arena, tm_node_get(trace->workload, "axes"))),
               .device = keep(arena, trace->hardware),
               .is_cpu = strcmp(tm_node_text_of(details, "clock"), "monotonic") == 0},
        .clock =
            timing.source != TM_TIMING_NONE ? keep(arena, tm_node_text_of(details, "clock")) : NULL,
        .point = {
            .run = run_index,
            .status = trace->status,
            .reason = keep(arena, tm_folder_reason(arena, trace)),
            .time = keep(arena, trace->timestamp),
            .latency_ms = tm_timing_latency_ns(&timing) / 1e6,
            .spread = spread_of(&timing),
            .is_crowded = tm_doubt_waited(details),
            .timing = timing,
            .code = keep(arena, tm_node_text_of(tm_node_get(details, "identity"), "solution")),
            .harness = keep(arena, tm_node_text_of(tm_node_get(details, "identity"), "harness"))}};
    keep_libs(all, trace, &one.point);
    all->rows =
        tm_arena_grow(arena, all->rows, all->row_count, &all->row_capacity, sizeof(*all->rows));
    all->rows[all->row_count++] = one;
}

/* The same traces by two names are one run. */
static bool is_known(reader *all, const char *folder, const struct stat *status) {
    for (size_t i = 0; i < all->run_count; i++)
        if (all->runs[i].device == status->st_dev && all->runs[i].file == status->st_ino) {
            tm_diag_add(all->diag, TM_DIAG_WARNING, tm_diag_command_line, NULL,
                        "%s: the same traces as %s; counted once", folder,
                        all->runs[i].shown.given);
            return true;
        }
    return false;
}

typedef enum { RUN_TAKEN, RUN_COPY, RUN_UNREADABLE } run_result;

static run_result take_run(reader *all, const char *folder) {
    tm_arena *own = tm_arena_create();
    const tm_baseline_request request = {folder, "DIR", TM_BASELINE_NEWEST};
    tm_baseline traces;
    struct stat status;
    run_result result = RUN_TAKEN;
    if (!tm_baseline_read(own, &request, all->diag, &traces) || stat(traces.path, &status) != 0)
        result = RUN_UNREADABLE;
    else if (is_known(all, folder, &status))
        result = RUN_COPY;
    if (result == RUN_TAKEN) {
        size_t before = all->row_count;
        for (size_t i = 0; i < traces.count; i++)
            take_cell(all, all->run_count, &traces.cells[i]);
        all->runs[all->run_count] = (run){.shown = {.given = folder,
                                                    .path = keep(all->arena, traces.path),
                                                    .commit = commit_of(all->arena, folder),
                                                    .time = keep(all->arena, traces.newest),
                                                    .traces = all->row_count - before,
                                                    .broken = traces.broken},
                                          .given_at = all->run_count,
                                          .device = status.st_dev,
                                          .file = status.st_ino};
        all->run_count++;
        if (traces.broken > 0)
            tm_diag_error(all->diag, tm_diag_command_line, NULL, "%s: %s; the others count", folder,
                          tm_baseline_skipped(all->arena, traces.broken, traces.broken_why));
        all->has_broken |= traces.broken > 0;
    }
    all->is_refused |= traces.refused > 0;
    tm_arena_destroy(own);
    return result;
}

/* ---- runs by time ---- */

static int compare_runs(const void *left_pointer, const void *right_pointer) {
    const run *left = left_pointer, *right = right_pointer;
    int order = tm_instant_compare(left->shown.time, right->shown.time);
    return order != 0 ? order
                      : (left->given_at > right->given_at) - (left->given_at < right->given_at);
}

static void sort_runs(reader *all) {
    size_t *now_at = tm_arena_array(all->arena, all->run_count, sizeof(*now_at));
    if (all->run_count > 0)
        qsort(all->runs, all->run_count, sizeof(*all->runs), compare_runs);
    for (size_t i = 0; i < all->run_count; i++)
        now_at[all->runs[i].given_at] = i;
    for (size_t i = 0; i < all->row_count; i++)
        all->rows[i].point.run = now_at[all->rows[i].point.run];
}

static int compare_series(const row *left, const row *right) {
    int order = strcmp(left->of.definition, right->of.definition);
    if (order == 0)
        order = strcmp(left->of.solution, right->of.solution);
    if (order == 0)
        order = strcmp(left->of.device, right->of.device);
    if (order == 0)
        order = strcmp(left->of.uuid, right->of.uuid);
    if (order == 0)
        order = strcmp(left->clock != NULL ? left->clock : "",
                       right->clock != NULL ? right->clock : "");
    return order;
}

static int compare_rows(const void *left_pointer, const void *right_pointer) {
    const row *left = left_pointer, *right = right_pointer;
    int order = compare_series(left, right);
    return order != 0 ? order
                      : (left->point.run > right->point.run) - (left->point.run < right->point.run);
}

/* As compare_rows, for rows whose clocks are not known yet. */
static int compare_without_clock(const void *left_pointer, const void *right_pointer) {
    row left = *(const row *)left_pointer, right = *(const row *)right_pointer;
    left.clock = right.clock = NULL;
    return compare_rows(&left, &right);
}

static bool is_same_cell(const row *left, const row *right) {
    row a = *left, b = *right;
    a.clock = b.clock = NULL;
    return compare_series(&a, &b) == 0;
}

/* The rows of one cell on one device: those that were not timed belong to the clock of the run
 * before, or after; with several clocks the device's name says which. */
static void settle_clocks(tm_arena *arena, row *rows, size_t count) {
    const char *clock = NULL;
    bool has_several = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].clock != NULL) {
            has_several |= clock != NULL && strcmp(clock, rows[i].clock) != 0;
            clock = rows[i].clock;
        } else {
            rows[i].clock = clock;
        }
    }
    for (size_t i = count; i-- > 0;) {
        clock = rows[i].clock != NULL ? rows[i].clock : clock;
        rows[i].clock = clock != NULL ? clock : "";
    }
    for (size_t i = 0; has_several && i < count; i++)
        rows[i].of.device = tm_arena_format(arena, "%s, clock %s", rows[i].of.device,
                                            rows[i].clock[0] != '\0' ? rows[i].clock : "unknown");
}

/* What a later run carries along of an earlier one. */
static void find_repeated(reader *all, row *rows, size_t count) {
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j-- > 0 && !rows[i].is_repeated;) {
            const tm_history_point *old = &rows[j].point, *new = &rows[i].point;
            if (new->time[0] == '\0' || strcmp(old->time, new->time) != 0 ||
                old->status != new->status || old->latency_ms != new->latency_ms)
                continue;
            rows[i].is_repeated = true;
            all->runs[new->run].shown.repeated++;
        }
}

static void settle_rows(reader *all) {
    if (all->row_count == 0)
        return;
    qsort(all->rows, all->row_count, sizeof(*all->rows), compare_without_clock);
    for (size_t begin = 0, end; begin < all->row_count; begin = end) {
        for (end = begin + 1;
             end < all->row_count && is_same_cell(&all->rows[begin], &all->rows[end]);)
            end++;
        find_repeated(all, all->rows + begin, end - begin);
        settle_clocks(all->arena, all->rows + begin, end - begin);
    }
    qsort(all->rows, all->row_count, sizeof(*all->rows), compare_rows);
}

/* Runs of which every trace is of an earlier one, and what is left of the others. */
static void drop_copies(reader *all) {
    size_t *now_at = tm_arena_array(all->arena, all->run_count, sizeof(*now_at)), kept = 0;
    for (size_t i = 0; i < all->run_count; i++) {
        const tm_history_run *one = &all->runs[i].shown;
        now_at[i] = kept;
        if (one->traces > 0 && one->repeated == one->traces) {
            tm_diag_add(all->diag, TM_DIAG_WARNING, tm_diag_command_line, NULL,
                        "%s: each of its traces is in an earlier run; not counted as a run",
                        one->given);
        } else {
            all->runs[kept++] = all->runs[i];
        }
    }
    all->run_count = kept;
    kept = 0;
    for (size_t i = 0; i < all->row_count; i++)
        if (!all->rows[i].is_repeated) {
            all->rows[kept] = all->rows[i];
            all->rows[kept].point.run = now_at[all->rows[kept].point.run];
            kept++;
        }
    all->row_count = kept;
}

static void make_series(reader *all, tm_history *history) {
    tm_history_series *series = tm_arena_array(all->arena, all->row_count, sizeof(*series));
    tm_history_point *points = tm_arena_array(all->arena, all->row_count, sizeof(*points));
    for (size_t i = 0; i < all->row_count; i++) {
        const row *one = &all->rows[i];
        points[i] = one->point;
        if (i == 0 || compare_series(one - 1, one) != 0) {
            series[history->series_count] = one->of;
            series[history->series_count++].points = &points[i];
        }
        tm_history_series *of = &series[history->series_count - 1];
        of->count++;
        of->is_cpu |= one->of.is_cpu;
        of->axes = of->axes[0] != '\0' ? of->axes : one->of.axes;
        of->author = of->author[0] != '\0' ? of->author : one->of.author;
    }
    history->series = series;
}

tm_history *tm_history_read(tm_arena *arena, tm_diag *diag, const char *const *folders,
                            size_t count, const char *definitions, const char *solutions) {
    tm_history *history = tm_arena_alloc(arena, sizeof(*history));
    reader all = {.arena = arena,
                  .diag = diag,
                  .definitions = definitions,
                  .solutions = solutions,
                  .runs = tm_arena_array(arena, count, sizeof(*all.runs))};
    for (size_t i = 0; i < count; i++) {
        run_result result = take_run(&all, folders[i]);
        history->unreadable += result == RUN_UNREADABLE;
    }
    history->is_refused = all.is_refused;
    history->has_broken = all.has_broken;
    sort_runs(&all);
    settle_rows(&all);
    drop_copies(&all);
    make_series(&all, history);
    tm_history_run *runs = tm_arena_array(arena, all.run_count, sizeof(*runs));
    for (size_t i = 0; i < all.run_count; i++)
        runs[i] = all.runs[i].shown;
    history->runs = runs;
    history->run_count = all.run_count;
    return history;
}

bool tm_history_is_same_solution(const tm_history_series *left, const tm_history_series *right) {
    return strcmp(left->definition, right->definition) == 0 &&
           strcmp(left->solution, right->solution) == 0 && strcmp(left->device, right->device) == 0;
}

const char *tm_history_run_name(tm_arena *arena, const tm_history *history, size_t run_index) {
    const tm_history_run *one = &history->runs[run_index];
    if (one->commit[0] != '\0')
        return one->commit;
    return one->given[0] != '\0' ? one->given : tm_arena_format(arena, "run %zu", run_index + 1);
}
