#include "reports/history_data.h"

#include <math.h>

#include "reports/page_json.h"

static void add_list(tm_text *text, const char *key) {
    tm_page_json_key(text, key);
    tm_page_json_open(text, '[');
}

static void add_runs(tm_arena *arena, tm_text *text, const tm_history *history) {
    add_list(text, "runs");
    for (size_t i = 0; i < history->run_count; i++) {
        const tm_history_run *run = &history->runs[i];
        tm_page_json_open(text, '{');
        tm_page_json_set_string(text, "name", tm_history_run_name(arena, history, i));
        tm_page_json_set_string(text, "time", run->time);
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
}

static void add_change(tm_text *text, double ratio, double low, double high) {
    tm_page_json_set_number(text, "ratio", ratio);
    tm_page_json_set_number(text, "low", low);
    tm_page_json_set_number(text, "high", high);
}

/* Each level from its first run to its last; what a change into it amounts to. */
static void add_levels(tm_text *text, const tm_history_cut *cut) {
    add_list(text, "levels");
    for (size_t i = 0; i < cut->found.count; i++) {
        const tm_change_point_level *level = &cut->found.levels[i];
        tm_page_json_open(text, '{');
        tm_page_json_set_int(text, "begin", cut->series->points[cut->used[level->begin]].run);
        tm_page_json_set_int(text, "end", cut->series->points[cut->used[level->end - 1]].run);
        tm_page_json_set_number(text, "ms", exp(level->level) / 1e6);
        if (i > 0) {
            double change = level->level - level[-1].level;
            double margin = tm_change_point_margin(&cut->found, i);
            add_change(text, exp(change), exp(change - margin), exp(change + margin));
        }
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
}

static void add_columns(tm_text *text, const tm_history_cut *cut, size_t run_count) {
    const tm_history_series *series = cut->series;
    size_t at = 0;
    add_list(text, "ms");
    for (size_t run = 0; run < run_count; run++) {
        bool is_there = at < series->count && series->points[at].run == run;
        tm_page_json_number(text, is_there ? series->points[at++].latency_ms : 0.0);
    }
    tm_page_json_close(text, ']');
    add_list(text, "spread");
    at = 0;
    for (size_t run = 0; run < run_count; run++) {
        bool is_there = at < series->count && series->points[at].run == run;
        double spread = is_there ? series->points[at++].spread : 0.0;
        tm_page_json_number(text, round(spread * 1e5) / 1e5);
    }
    tm_page_json_close(text, ']');
}

/* Runs in which the row did not pass, or other programs ran beside it. */
static void add_exceptions(tm_text *text, const tm_history_series *series) {
    add_list(text, "failed");
    for (size_t i = 0; i < series->count; i++) {
        const tm_history_point *point = &series->points[i];
        if (point->status == TM_STATUS_PASSED)
            continue;
        tm_page_json_open(text, '[');
        tm_page_json_int(text, (int64_t)point->run);
        tm_page_json_string(text, tm_status_name(point->status));
        tm_page_json_string(text, point->reason);
        tm_page_json_close(text, ']');
    }
    tm_page_json_close(text, ']');
    add_list(text, "crowded");
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].is_crowded)
            tm_page_json_int(text, (int64_t)series->points[i].run);
    tm_page_json_close(text, ']');
}

static void add_row(tm_text *text, const tm_history_cut *cut, size_t run_count) {
    tm_page_json_open(text, '{');
    tm_page_json_set_string(text, "uuid", cut->series->uuid);
    tm_page_json_set_string(text, "axes", cut->series->axes);
    tm_page_json_set_string(text, "verdict", tm_history_verdict_name(cut->verdict));
    add_columns(text, cut, run_count);
    add_exceptions(text, cut->series);
    add_levels(text, cut);
    tm_page_json_close(text, '}');
}

static void add_solutions(tm_text *text, const tm_history_changes *all) {
    const tm_history *history = all->history;
    add_list(text, "solutions");
    for (size_t i = 0; i < history->series_count;) {
        const tm_history_series *first = &history->series[i];
        tm_page_json_open(text, '{');
        tm_page_json_set_string(text, "definition", first->definition);
        tm_page_json_set_string(text, "name", first->solution);
        tm_page_json_set_string(text, "author", first->author);
        tm_page_json_set_string(text, "device", first->device);
        add_list(text, "rows");
        for (; i < history->series_count && tm_history_is_same_solution(first, &history->series[i]);
             i++)
            add_row(text, &all->cuts[i], history->run_count);
        tm_page_json_close(text, ']');
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
}

static void add_events(tm_text *text, const tm_history_changes *all) {
    add_list(text, "events");
    for (size_t i = 0; i < all->event_count; i++) {
        const tm_history_event *event = &all->events[i];
        tm_page_json_open(text, '{');
        tm_page_json_set_string(text, "kind", tm_history_kind_name(event->kind));
        tm_page_json_set_string(text, "definition", event->series->definition);
        tm_page_json_set_string(text, "solution", event->series->solution);
        tm_page_json_set_string(text, "device", event->series->device);
        tm_page_json_set_int(text, "run", event->run);
        tm_page_json_set_int(text, "rows", event->row_count);
        tm_page_json_set_int(text, "of", event->of_rows);
        tm_page_json_set_int(text, "same_code", event->same_code == 1);
        tm_page_json_set_string(text, "also", event->also);
        if (event->kind < TM_HISTORY_BROKE) {
            add_change(text, event->ratio, event->low, event->high);
            tm_page_json_set_number(text, "before", event->before_ms);
            tm_page_json_set_number(text, "after", event->after_ms);
            tm_page_json_set_int(text, "last", event->is_last);
        } else {
            tm_page_json_set_string(text, "from", tm_status_name(event->from));
            tm_page_json_set_string(text, "to", tm_status_name(event->to));
            tm_page_json_set_string(text, "reason", event->reason);
        }
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
}

void tm_history_data_add(tm_arena *arena, tm_text *text, const tm_history_changes *all) {
    tm_page_json_open(text, '{');
    tm_page_json_set_number(text, "threshold", all->options.threshold);
    add_runs(arena, text, all->history);
    tm_page_json_key(text, "counts");
    tm_page_json_open(text, '{');
    for (int i = 0; i < TM_HISTORY_VERDICT_COUNT; i++)
        tm_page_json_set_int(text, tm_history_verdict_name((tm_history_verdict)i),
                             all->by_verdict[i]);
    tm_page_json_close(text, '}');
    tm_page_json_set_int(text, "crowded", all->crowded);
    add_list(text, "waves");
    for (size_t i = 0; i < all->wave_count; i++) {
        tm_page_json_open(text, '{');
        tm_page_json_set_int(text, "run", all->waves[i].run);
        tm_page_json_set_int(text, "solutions", all->waves[i].solutions);
        tm_page_json_set_int(text, "of", all->waves[i].of_solutions);
        tm_page_json_set_string(text, "kind", tm_history_kind_name(all->waves[i].kind));
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
    add_events(text, all);
    add_solutions(text, all);
    tm_page_json_close(text, '}');
}
