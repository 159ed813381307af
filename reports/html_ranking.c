#include "reports/html_ranking.h"

#include "reports/page_json.h"
#include "reports/ranking.h"

/* Where a win@p curve has its points. */
static const double marks[] = {0.1,  0.25, 0.5,  0.67, 0.8,  0.9,  0.95, 1.0,
                               1.05, 1.1,  1.25, 1.5,  1.75, 2.0,  2.5,  3.0,
                               4.0,  5.0,  7.5,  10.0, 15.0, 20.0, 50.0, 100.0};

static void add_score(tm_text *text, const char *key, const tm_ranking_score *score) {
    tm_page_json_key(text, key);
    tm_page_json_open(text, '{');
    tm_page_json_set_int(text, "definitions", score->definitions);
    tm_page_json_set_int(text, "workloads", score->ratio_count);
    tm_page_json_set_number(text, "mean", score->mean);
    tm_page_json_set_number(text, "geomean", score->geomean);
    tm_page_json_set_number(text, "win_rate", score->win_rate);
    tm_page_json_key(text, "win_at");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        tm_page_json_number(text, tm_ranking_win_at(score, marks[i]));
    tm_page_json_close(text, ']');
    tm_page_json_close(text, '}');
}

void tm_html_ranking_add(tm_arena *arena, tm_text *text, const tm_model *model) {
    tm_ranking ranking = tm_ranking_make(arena, model);
    tm_page_json_open(text, '{');
    tm_page_json_set_int(text, "no_baseline", ranking.no_baseline);
    tm_page_json_set_int(text, "many_baselines", ranking.many_baselines);
    tm_page_json_key(text, "marks");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        tm_page_json_number(text, marks[i]);
    tm_page_json_close(text, ']');
    tm_page_json_key(text, "authors");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < ranking.author_count; i++) {
        const tm_ranking_author *author = &ranking.authors[i];
        tm_page_json_open(text, '{');
        tm_page_json_set_string(text, "name", author->name);
        tm_page_json_set_int(text, "definitions", author->definitions);
        tm_page_json_set_int(text, "solutions", author->solutions);
        tm_page_json_set_int(text, "cells", author->cells);
        tm_page_json_set_int(text, "passed", author->passed);
        add_score(text, "reference", &author->reference);
        add_score(text, "baseline", &author->baseline);
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
    tm_page_json_close(text, '}');
}
