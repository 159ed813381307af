#include "reports/ranking_json.h"

#include <stdio.h>

tm_json *tm_ranking_json_score(const tm_ranking_score *score) {
    static const double marks[] = {0.5, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0};
    tm_json *object = tm_json_object();
    tm_json_set_int(object, "definitions", (int64_t)score->definitions);
    tm_json_set_int(object, "workloads", (int64_t)score->ratio_count);
    tm_json_set_number(object, "mean", score->mean);
    tm_json_set_number(object, "geomean", score->geomean);
    tm_json_set_number(object, "win_rate", score->win_rate);
    tm_json_set_number(object, "success_rate", score->success_rate);
    tm_json *win_at = tm_json_object();
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        char key[16];
        snprintf(key, sizeof(key), "%g", marks[i]);
        tm_json_set_number(win_at, key, tm_ranking_win_at(score, marks[i]));
    }
    tm_json_set(object, "win_at", win_at);
    return object;
}

tm_json *tm_ranking_json_authors(const tm_ranking *ranking) {
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < ranking->author_count; i++) {
        const tm_ranking_author *author = &ranking->authors[i];
        tm_json *object = tm_json_object();
        tm_json_set_string(object, "name", author->name);
        tm_json_set_int(object, "definitions", (int64_t)author->definitions);
        tm_json_set_int(object, "solutions", (int64_t)author->solutions);
        tm_json_set_int(object, "cells", (int64_t)author->cells);
        tm_json_set_int(object, "passed", (int64_t)author->passed);
        tm_json_set(object, "over_baseline", tm_ranking_json_score(&author->baseline));
        tm_json_set(object, "over_reference", tm_ranking_json_score(&author->reference));
        tm_json_push(list, object);
    }
    return list;
}
