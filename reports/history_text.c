#include "reports/history_text.h"

#include <string.h>

#include "lib/text.h"
#include "reports/figure.h"
#include "reports/gate_figure.h"
#include "reports/table.h"

#define MAX_LINES 30
#define NAME_WIDTH 24
#define FEW_ROWS 3

typedef struct {
    tm_arena *arena;
    const tm_history_changes *all;
    const tm_terminal *terminal;
    tm_text *text;
} writer;

static bool is_same_day(const tm_history *history, size_t run, size_t other) {
    return other < history->run_count &&
           strncmp(history->runs[run].time, history->runs[other].time, 10) == 0;
}

/* "2026-10-12 (a1b2c3d)", without a folder named by that day, with the minute where another run is
 * of the same day. `has_minute` (may be NULL) tells whether it is there: behind the day's ten bytes
 * and a blank. */
static const char *run_text(tm_arena *arena, const tm_history *history, size_t run,
                            bool *has_minute) {
    const char *time = history->runs[run].time, *name = tm_history_run_name(arena, history, run);
    const char *slash = strrchr(name, '/'), *last = slash != NULL ? slash + 1 : name;
    bool is_date = strlen(last) == 10 && strncmp(last, time, 10) == 0; /* told already */
    size_t length = strlen(name);
    if (length > NAME_WIDTH && tm_figure_width(name) == length) /* a path's end tells more */
        name = tm_arena_format(arena, "..%s", name + length - NAME_WIDTH + 2);
    name = tm_figure_cut(arena, name, NAME_WIDTH);
    bool is_timed = strlen(time) > 15 && (is_same_day(history, run, run + 1) ||
                                          (run > 0 && is_same_day(history, run, run - 1)));
    if (has_minute != NULL)
        *has_minute = is_timed;
    if (time[0] == '\0')
        return name;
    return tm_arena_format(arena, "%.10s%s%.5s%s%s%s", time, is_timed ? " " : "",
                           is_timed ? time + 11 : "", is_date ? "" : " (", is_date ? "" : name,
                           is_date ? "" : ")");
}

/* The same for a column: without the day, where the heading says that there is only one. */
static const char *since_text(tm_arena *arena, const tm_history *history, size_t run) {
    bool has_minute;
    const char *text = run_text(arena, history, run, &has_minute);
    return has_minute && is_same_day(history, 0, history->run_count - 1) ? text + 11 : text;
}

static const char *who(tm_arena *arena, const tm_history_event *event, bool names_device) {
    const tm_history_series *of = event->series;
    return tm_arena_format(arena, "%s of %s%s%s",
                           tm_figure_solution(arena, of->solution, of->definition, 20),
                           tm_figure_cut(arena, of->definition, 40), names_device ? " on " : "",
                           names_device ? of->device : "");
}

/* Which rows, when it is a few of several. */
static const char *rows_note(tm_arena *arena, const tm_history_changes *all,
                             const tm_history_event *event) {
    const char *text = "";
    if (event->row_count == event->of_rows || event->row_count > FEW_ROWS)
        return text;
    for (size_t i = 0; i < event->row_count; i++) {
        const tm_history_series *of = all->cuts[event->rows[i]].series;
        text = tm_arena_format(arena, "%s%s%s%s%s%s", text, i > 0 ? "; " : "",
                               tm_figure_uuid(arena, of->uuid), of->axes[0] ? " (" : "", of->axes,
                               of->axes[0] ? ")" : "");
    }
    return text;
}

static const char *also_note(tm_arena *arena, const tm_history_event *event) {
    return event->also[0] == '\0' ? "" : tm_arena_format(arena, "also: %s", event->also);
}

static bool has_devices(const tm_history *history) {
    for (size_t i = 1; i < history->series_count; i++)
        if (strcmp(history->series[i].device, history->series[0].device) != 0)
            return true;
    return false;
}

static const char *rows_text(tm_arena *arena, const tm_history_event *event) {
    return tm_arena_format(arena, "%zu/%zu", event->row_count, event->of_rows);
}

static void add_note(tm_table *table, const char *note) {
    if (note[0] != '\0')
        tm_table_add_note(table, note);
}

static void add_prose(const writer *to, const char *text) {
    tm_text_format(
        to->text, "%s\n",
        tm_figure_wrap(to->arena, tm_figure_line(to->arena, text), to->terminal->width, 2));
}

static void finish_table(const writer *to, tm_table *table, const char *title, size_t listed,
                         size_t shown) {
    if (listed == 0)
        return;
    tm_text_format(to->text, "\n%s\n",
                   tm_terminal_paint(to->arena, to->terminal, TM_STYLE_STRONG, title));
    tm_table_print(table, to->terminal, to->text);
    if (listed > shown)
        add_prose(to, tm_arena_format(to->arena, "and %zu more: --json or --out=history.html",
                                      listed - shown));
}

static void add_latencies(const writer *to, bool is_last, const char *title) {
    static const tm_table_column columns[] = {{.title = "change", .to_the_right = true},
                                              {.title = "interval", .drop = 3},
                                              {.title = "rows", .to_the_right = true},
                                              {.title = "before", .to_the_right = true, .drop = 2},
                                              {.title = "now", .to_the_right = true, .drop = 1},
                                              {.title = "since", .least = 22},
                                              {.title = "solution", .least = 24}};
    tm_arena *arena = to->arena;
    const tm_history_changes *all = to->all;
    tm_table *table = tm_table_create(arena, columns, 7, (size_t)4 * MAX_LINES);
    size_t listed = 0, shown = 0;
    bool names_device = has_devices(all->history);
    for (size_t i = 0; i < all->event_count; i++) {
        const tm_history_event *event = &all->events[i];
        if (event->kind >= TM_HISTORY_BROKE || event->is_last != is_last || ++listed > MAX_LINES)
            continue;
        const char *cells[] = {tm_gate_figure_ratio(arena, event->ratio),
                               tm_arena_format(arena, "%s .. %s",
                                               tm_gate_figure_ratio(arena, event->low),
                                               tm_gate_figure_ratio(arena, event->high)),
                               rows_text(arena, event),
                               tm_figure_latency(arena, event->before_ms),
                               tm_figure_latency(arena, event->after_ms),
                               since_text(arena, all->history, event->run),
                               who(arena, event, names_device)};
        tm_table_add(table, cells);
        tm_table_style(table, 0,
                       is_last                            ? TM_STYLE_DOUBTFUL
                       : event->kind == TM_HISTORY_SLOWER ? TM_STYLE_BAD
                                                          : TM_STYLE_GOOD);
        add_note(table, rows_note(arena, all, event));
        add_note(table, event->same_code == 1
                            ? "the solution's own code and flags are the same as before"
                            : "");
        add_note(table, also_note(arena, event));
        shown++;
    }
    finish_table(to, table, title, listed, shown);
}

static void add_statuses(const writer *to) {
    static const tm_table_column columns[] = {{.title = "rows", .to_the_right = true},
                                              {.title = "before", .drop = 1},
                                              {.title = "now"},
                                              {.title = "since", .least = 22},
                                              {.title = "solution", .least = 24}};
    tm_arena *arena = to->arena;
    const tm_history_changes *all = to->all;
    tm_table *table = tm_table_create(arena, columns, 5, (size_t)4 * MAX_LINES);
    size_t listed = 0, shown = 0;
    bool names_device = has_devices(all->history);
    for (size_t i = 0; i < all->event_count; i++) {
        const tm_history_event *event = &all->events[i];
        if (event->kind < TM_HISTORY_BROKE || ++listed > MAX_LINES)
            continue;
        const char *cells[] = {
            rows_text(arena, event), tm_status_name(event->from), tm_status_name(event->to),
            since_text(arena, all->history, event->run), who(arena, event, names_device)};
        tm_table_add(table, cells);
        tm_table_style(table, 2, event->kind == TM_HISTORY_FIXED ? TM_STYLE_GOOD : TM_STYLE_BAD);
        add_note(table, rows_note(arena, all, event));
        add_note(table, event->reason);
        add_note(table, also_note(arena, event));
        shown++;
    }
    finish_table(to, table, "Other statuses", listed, shown);
}

static void add_waves(const writer *to) {
    const tm_history_changes *all = to->all;
    if (all->wave_count > 0)
        tm_text_add(to->text, "\n");
    for (size_t i = 0; i < all->wave_count; i++) {
        const tm_history_wave *wave = &all->waves[i];
        add_prose(to, tm_arena_format(to->arena,
                                      "%s: %zu of %zu solutions became %s together; look at what "
                                      "they share (machine, driver, compiler, harness) first.",
                                      run_text(to->arena, all->history, wave->run, NULL),
                                      wave->solutions, wave->of_solutions,
                                      wave->kind == TM_HISTORY_SLOWER ? "slower" : "faster"));
    }
}

/* "3 changed, 12 steady" */
static const char *counts_text(tm_arena *arena, const tm_history_changes *all) {
    static const char *const words[TM_HISTORY_VERDICT_COUNT] = {
        [TM_HISTORY_CHANGED] = "changed",
        [TM_HISTORY_LAST_DIFFERS] = "differ in their last run only",
        [TM_HISTORY_STEADY] = "steady",
        [TM_HISTORY_NOISY_SERIES] = "too noisy or too short to show a change of 10%",
        [TM_HISTORY_SHORT] = "with too few runs to tell (4 show a change)",
        [TM_HISTORY_NEVER_TIMED] = "never timed"};
    const char *text = "";
    for (int i = 0; i < TM_HISTORY_VERDICT_COUNT; i++) {
        bool is_one = i == TM_HISTORY_LAST_DIFFERS && all->by_verdict[i] == 1;
        if (all->by_verdict[i] > 0)
            text =
                tm_arena_format(arena, "%s%s%zu %s", text, text[0] ? ", " : "", all->by_verdict[i],
                                is_one ? "differs in its last run only" : words[i]);
    }
    return text;
}

static void add_end(const writer *to) {
    tm_arena *arena = to->arena;
    const tm_history_changes *all = to->all;
    tm_text_add(to->text, "\n");
    add_prose(to, tm_arena_format(arena, "%s: %s.",
                                  tm_figure_count(arena, all->history->series_count, "cell"),
                                  counts_text(arena, all)));
    if (all->failing > 0)
        add_prose(to, tm_arena_format(arena, "%s not pass in the last run that has %s.",
                                      all->failing == 1
                                          ? "1 cell does"
                                          : tm_arena_format(arena, "%zu cells do", all->failing),
                                      all->failing == 1 ? "it" : "them"));
    if (all->crowded > 0)
        add_prose(to, tm_arena_format(arena, "Left out, since other programs ran beside them: %s.",
                                      tm_figure_count(arena, all->crowded, "measurement")));
    add_prose(to, tm_arena_format(arena,
                                  "Relevant from %.3g%% on; intervals of 95%%; the chance of any "
                                  "false change in all of this is 5%%.",
                                  all->options.threshold * 100.0));
}

const char *tm_history_text_format(tm_arena *arena, const tm_history_changes *all,
                                   const tm_terminal *terminal) {
    const tm_history *history = all->history;
    tm_text text = {0};
    const writer to = {arena, all, terminal, &text};
    add_prose(&to,
              tm_arena_format(arena, "history of %s of %s on %s, from %s to %s",
                              tm_figure_count(arena, history->run_count, "run"),
                              tm_figure_count(arena, history->series_count, "cell"),
                              has_devices(history) ? "several devices" : history->series[0].device,
                              run_text(arena, history, 0, NULL),
                              run_text(arena, history, history->run_count - 1, NULL)));
    add_latencies(&to, false, "Changed for good, largest first");
    add_waves(&to);
    add_latencies(&to, true, "AMBIGUOUS: only the last run differs, which may be an outlier");
    add_statuses(&to);
    add_end(&to);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
