#include "reports/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number.h"
#include "reports/score.h"

const char tm_ranking_baseline_author[] = "baseline";

static bool trace_is_timed(const tm_trace *trace) {
    return trace->status == TM_STATUS_PASSED && trace->has_performance && trace->latency_ms > 0.0;
}

bool tm_ranking_is_timed(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_RAN && trace_is_timed(&cell->trace);
}

double tm_ranking_latency_ms(const tm_model_cell *cell) {
    if (tm_ranking_is_timed(cell))
        return cell->trace.latency_ms;
    for (size_t i = 0; i < cell->repeat_count; i++) /* the fastest that passed comes first */
        if (trace_is_timed(&cell->repeats[i]))
            return cell->repeats[i].latency_ms;
    return 0.0;
}

double tm_ranking_ratio(const tm_model_solution *base, const tm_model_solution *own, size_t index) {
    const tm_model_cell *cell = &own->cells[index];
    if (!tm_ranking_is_timed(cell))
        return 0.0;
    return base == NULL ? cell->trace.speedup_factor
                        : tm_ranking_latency_ms(&base->cells[index]) / cell->trace.latency_ms;
}

static bool has_failed(const tm_model_solution *solution) {
    return tm_score_failed(&solution->score) + solution->score.broken > 0;
}

/* Whether a workload can be compared: the base has a latency there. The reference's is known from
 * any trace of the row. */
static bool has_base(const tm_model_definition *definition, const tm_model_solution *base,
                     size_t index) {
    if (base != NULL)
        return tm_ranking_latency_ms(&base->cells[index]) > 0.0;
    for (size_t i = 0; i < definition->solution_count; i++)
        if (definition->solutions[i].needs == NULL &&
            tm_ranking_is_timed(&definition->solutions[i].cells[index]) &&
            definition->solutions[i].cells[index].trace.speedup_factor > 0.0)
            return true;
    return false;
}

/* Whether a solution has a verdict on a workload. */
static bool has_verdict(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_BROKEN ||
           (cell->state == TM_MODEL_RAN && cell->trace.status != TM_STATUS_VOID);
}

static void add_ratio(tm_ranking_score *score, double *ratios, double ratio) {
    ratios[score->ratio_count++] = ratio;
    score->mean += ratio;
    score->win_rate += ratio > 1.0;
}

/* The geometric mean of the ratios above 0, and their order. */
static void finish_ratios(tm_ranking_score *score, double *ratios) {
    double logs = 0.0;
    size_t above = 0;
    for (size_t i = 0; i < score->ratio_count; i++) {
        above += ratios[i] > 0.0;
        logs += ratios[i] > 0.0 ? log(ratios[i]) : 0.0;
    }
    score->geomean = above > 0 ? exp(logs / (double)above) : 0.0;
    qsort(ratios, score->ratio_count, sizeof(*ratios), tm_number_compare);
    score->ratios = ratios;
}

tm_ranking_score tm_ranking_solution(tm_arena *arena, const tm_model_definition *definition,
                                     const tm_model_solution *base, const tm_model_solution *own) {
    tm_ranking_score score = {0};
    double *ratios = tm_arena_array(arena, definition->workload_count, sizeof(*ratios));
    bool failed = has_failed(own);
    for (size_t i = 0; own->needs == NULL && i < definition->workload_count; i++) {
        double ratio = failed ? 0.0 : tm_ranking_ratio(base, own, i);
        /* A cell that has not run, or is void, is in no share. */
        if (ratio > 0.0 || (failed && has_verdict(&own->cells[i]) && has_base(definition, base, i)))
            add_ratio(&score, ratios, ratio);
    }
    if (score.ratio_count > 0) {
        score.definitions = 1;
        score.mean /= (double)score.ratio_count;
        score.win_rate /= (double)score.ratio_count;
        score.success_rate = failed ? 0.0 : 1.0;
    }
    finish_ratios(&score, ratios);
    return score;
}

static bool is_by(const tm_model_solution *solution, const char *author) {
    return solution->needs == NULL && strcmp(solution->author, author) == 0;
}

/* `count` tells how many there are. */
static const tm_model_solution *find_baseline(const tm_model_definition *definition,
                                              size_t *count) {
    const tm_model_solution *found = NULL;
    *count = 0;
    for (size_t i = 0; i < definition->solution_count; i++)
        if (is_by(&definition->solutions[i], tm_ranking_baseline_author)) {
            found = &definition->solutions[i];
            (*count)++;
        }
    return *count == 1 ? found : NULL;
}

const tm_model_solution *tm_ranking_baseline(const tm_model_definition *definition) {
    size_t count;
    return find_baseline(definition, &count);
}

static tm_ranking_score score_author(tm_arena *arena, const tm_model *model, const char *author,
                                     bool over_baseline) {
    tm_ranking_score score = {0};
    size_t most = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += model->definitions[i].workload_count;
    double *ratios = tm_arena_array(arena, most, sizeof(*ratios));
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        const tm_model_solution *base = over_baseline ? tm_ranking_baseline(definition) : NULL;
        if (over_baseline && base == NULL)
            continue;
        tm_ranking_score best = {0};
        for (size_t j = 0; j < definition->solution_count; j++) {
            if (!is_by(&definition->solutions[j], author))
                continue;
            tm_ranking_score own =
                tm_ranking_solution(arena, definition, base, &definition->solutions[j]);
            if (own.definitions > 0 && (best.definitions == 0 || own.mean > best.mean))
                best = own;
        }
        for (size_t j = 0; j < best.ratio_count; j++)
            ratios[score.ratio_count++] = best.ratios[j];
        score.definitions += best.definitions;
        score.mean += best.mean;
        score.win_rate += best.win_rate;
        score.success_rate += best.success_rate;
    }
    if (score.definitions > 0) {
        score.mean /= (double)score.definitions;
        score.win_rate /= (double)score.definitions;
        score.success_rate /= (double)score.definitions;
    }
    finish_ratios(&score, ratios);
    return score;
}

static void count_author(const tm_model *model, tm_ranking_author *author) {
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        size_t solutions = 0;
        for (size_t j = 0; j < definition->solution_count; j++) {
            const tm_model_solution *solution = &definition->solutions[j];
            if (!is_by(solution, author->name))
                continue;
            solutions++;
            size_t passed = solution->score.by_status[TM_STATUS_PASSED];
            author->passed += passed;
            author->cells += passed + tm_score_failed(&solution->score);
        }
        author->solutions += solutions;
        author->definitions += solutions > 0;
    }
}

static int compare_authors(const void *left_pointer, const void *right_pointer) {
    const tm_ranking_author *left = left_pointer, *right = right_pointer;
    if (left->baseline.mean != right->baseline.mean)
        return left->baseline.mean < right->baseline.mean ? 1 : -1;
    if (left->reference.mean != right->reference.mean)
        return left->reference.mean < right->reference.mean ? 1 : -1;
    return strcmp(left->name, right->name);
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Distinct authors of solutions with cells, sorted. */
static const char **list_authors(tm_arena *arena, const tm_model *model, size_t *count) {
    size_t all = 0, kept = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        all += model->definitions[i].solution_count;
    const char **names = tm_arena_array(arena, all, sizeof(*names));
    *count = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            if (model->definitions[i].solutions[j].needs == NULL)
                names[(*count)++] = model->definitions[i].solutions[j].author;
    if (*count > 0)
        qsort(names, *count, sizeof(*names), compare_names);
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    *count = kept;
    return names;
}

tm_ranking tm_ranking_make(tm_arena *arena, const tm_model *model) {
    tm_ranking ranking = {0};
    const char **names = list_authors(arena, model, &ranking.author_count);
    tm_ranking_author *authors = tm_arena_array(arena, ranking.author_count, sizeof(*authors));
    for (size_t i = 0; i < ranking.author_count; i++) {
        authors[i].name = names[i];
        count_author(model, &authors[i]);
        authors[i].reference = score_author(arena, model, names[i], false);
        authors[i].baseline = score_author(arena, model, names[i], true);
    }
    if (ranking.author_count > 0)
        qsort(authors, ranking.author_count, sizeof(*authors), compare_authors);
    ranking.authors = authors;
    for (size_t i = 0; i < model->definition_count; i++) {
        size_t count;
        find_baseline(&model->definitions[i], &count);
        ranking.no_baseline += count == 0 && model->definitions[i].solution_count > 0;
        ranking.many_baselines += count > 1;
    }
    return ranking;
}

double tm_ranking_win_at(const tm_ranking_score *score, double p) {
    size_t above = 0;
    for (size_t i = 0; i < score->ratio_count; i++)
        above += score->ratios[i] > p;
    return score->ratio_count > 0 ? (double)above / (double)score->ratio_count : 0.0;
}
