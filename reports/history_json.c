#include "reports/history_json.h"

#include <math.h>

#include "lib/json.h"

static void set_text(tm_json *object, const char *key, const char *text) {
    tm_json_set_string(object, key, text[0] != '\0' ? text : NULL);
}

static tm_json *runs_json(const tm_history *history) {
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < history->run_count; i++) {
        const tm_history_run *run = &history->runs[i];
        tm_json *object = tm_json_object();
        tm_json_set_string(object, "folder", run->given);
        tm_json_set_string(object, "path", run->path);
        set_text(object, "commit", run->commit);
        set_text(object, "time", run->time);
        tm_json_set_int(object, "traces", (int64_t)run->traces);
        tm_json_set_int(object, "repeated", (int64_t)run->repeated);
        tm_json_set_int(object, "broken", (int64_t)run->broken);
        tm_json_push(list, object);
    }
    return list;
}

static tm_json *event_json(const tm_history_changes *all, const tm_history_event *event) {
    tm_json *object = tm_json_object(), *rows = tm_json_array();
    tm_json_set_string(object, "kind", tm_history_kind_name(event->kind));
    tm_json_set_string(object, "definition", event->series->definition);
    tm_json_set_string(object, "solution", event->series->solution);
    tm_json_set_string(object, "device", event->series->device);
    tm_json_set_int(object, "run", (int64_t)event->run);
    tm_json_set_int(object, "run_before", (int64_t)event->before);
    if (event->same_code >= 0)
        tm_json_set_bool(object, "same_code", event->same_code == 1);
    else
        tm_json_set_null(object, "same_code");
    set_text(object, "also", event->also);
    if (event->kind < TM_HISTORY_BROKE) {
        tm_json_set_bool(object, "ambiguous", event->is_last);
        tm_json_set_number(object, "ratio", event->ratio);
        tm_json_set_number(object, "ratio_low", event->low);
        tm_json_set_number(object, "ratio_high", event->high);
        tm_json_set_number(object, "latency_before_ms", event->before_ms);
        tm_json_set_number(object, "latency_ms", event->after_ms);
    } else {
        tm_json_set_string(object, "status_before", tm_status_name(event->from));
        tm_json_set_string(object, "status", tm_status_name(event->to));
        tm_json_set_string(object, "reason", event->reason);
    }
    for (size_t i = 0; i < event->row_count; i++)
        tm_json_push_string(rows, all->cuts[event->rows[i]].series->uuid);
    tm_json_set(object, "uuids", rows);
    tm_json_set_int(object, "of_rows", (int64_t)event->of_rows);
    return object;
}

static tm_json *changes_json(const tm_history_cut *cut) {
    tm_json *list = tm_json_array();
    for (size_t i = 1; i < cut->found.count; i++) {
        const tm_change_point_level *level = &cut->found.levels[i];
        double change = level->level - level[-1].level;
        double margin = tm_change_point_margin(&cut->found, i);
        tm_json *object = tm_json_object();
        tm_json_set_int(object, "run", (int64_t)cut->series->points[cut->used[level->begin]].run);
        tm_json_set_int(object, "run_before",
                        (int64_t)cut->series->points[cut->used[level->begin - 1]].run);
        tm_json_set_number(object, "ratio", exp(change));
        tm_json_set_number(object, "ratio_low", exp(change - margin));
        tm_json_set_number(object, "ratio_high", exp(change + margin));
        tm_json_push(list, object);
    }
    return list;
}

static tm_json *series_json(const tm_history_cut *cut) {
    const tm_history_series *series = cut->series;
    tm_json *object = tm_json_object(), *points = tm_json_array();
    tm_json_set_string(object, "definition", series->definition);
    tm_json_set_string(object, "solution", series->solution);
    tm_json_set_string(object, "author", series->author);
    tm_json_set_string(object, "device", series->device);
    tm_json_set_string(object, "uuid", series->uuid);
    tm_json_set_string(object, "axes", series->axes);
    tm_json_set_string(object, "verdict", tm_history_verdict_name(cut->verdict));
    tm_json_set(object, "changes", changes_json(cut));
    for (size_t i = 0; i < series->count; i++) {
        const tm_history_point *point = &series->points[i];
        tm_json *one = tm_json_object();
        tm_json_set_int(one, "run", (int64_t)point->run);
        tm_json_set_string(one, "status", tm_status_name(point->status));
        tm_json_set_positive(one, "latency_ms", point->latency_ms);
        tm_json_set_positive(one, "spread", point->spread);
        tm_json_set_bool(one, "left_out", point->is_crowded);
        tm_json_push(points, one);
    }
    tm_json_set(object, "points", points);
    return object;
}

char *tm_history_json_format(const tm_history_changes *all) {
    tm_json *root = tm_json_object(), *counts = tm_json_object();
    tm_json *events = tm_json_array(), *series = tm_json_array();
    tm_json_set_int(root, "version", 1);
    tm_json_set_number(root, "threshold", all->options.threshold);
    tm_json_set_number(root, "level", TM_CHANGE_POINT_LEVEL);
    tm_json_set(root, "runs", runs_json(all->history));
    for (int i = 0; i < TM_HISTORY_VERDICT_COUNT; i++)
        tm_json_set_int(counts, tm_history_verdict_name((tm_history_verdict)i),
                        (int64_t)all->by_verdict[i]);
    tm_json_set(root, "counts", counts);
    for (size_t i = 0; i < all->event_count; i++)
        tm_json_push(events, event_json(all, &all->events[i]));
    tm_json_set(root, "events", events);
    for (size_t i = 0; i < all->history->series_count; i++)
        tm_json_push(series, series_json(&all->cuts[i]));
    tm_json_set(root, "cells", series);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
