#include "reports/tuning.h"

#include <string.h>

#include "reports/score.h"

const char *tm_tuning_values(tm_arena *arena, const tm_model_solution *variant) {
    const char *suffix = variant->name + strlen(variant->base);
    char *values = tm_arena_copy(arena, suffix, strlen(suffix));
    for (char *at = values; (at = strchr(at, '+')) != NULL;)
        *at = ' ';
    return values[0] == ' ' ? values + 1 : values;
}

static bool same_base(const tm_model_solution *a, const tm_model_solution *b) {
    return a->base != NULL && b->base != NULL && strcmp(a->base, b->base) == 0;
}

/* The variants of which `first` is the first in its definition. */
static tm_tuning collect(tm_arena *arena, const tm_model_definition *definition, size_t first) {
    const tm_model_solution *solutions = definition->solutions;
    size_t count = 0, most = definition->solution_count - first;
    const tm_model_solution **variants = tm_arena_array(arena, most, sizeof(*variants));
    tm_model_solution *copies = tm_arena_array(arena, most, sizeof(*copies));
    for (size_t i = first; i < definition->solution_count; i++)
        if (same_base(&solutions[first], &solutions[i])) {
            copies[count] = solutions[i];
            variants[count++] = &solutions[i];
        }
    int best = tm_score_best(copies, count);
    size_t shown = 0;
    for (size_t i = 1; i < count; i++)
        if (variants[i]->score.by_status[TM_STATUS_PASSED] >
            variants[shown]->score.by_status[TM_STATUS_PASSED])
            shown = i;
    return (tm_tuning){.definition = definition,
                       .variants = variants,
                       .variant_count = count,
                       .best = best >= 0 ? variants[best] : NULL,
                       .shown = variants[best >= 0 ? (size_t)best : shown]};
}

static tm_tuning_row *row_of(tm_tuning_row *rows, size_t *count, const tm_model_solution *variant) {
    const char *suffix = variant->name + strlen(variant->base);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(rows[i].example->name + strlen(rows[i].example->base), suffix) == 0)
            return &rows[i];
    rows[*count] = (tm_tuning_row){.example = variant};
    return &rows[(*count)++];
}

/* Sums up the tunings of a family: a row for each variant, over all definitions. */
static void add_up(tm_arena *arena, tm_tuning_family *family) {
    size_t most = 0;
    for (size_t i = 0; i < family->tuning_count; i++)
        most += family->tunings[i].variant_count;
    tm_tuning_row *rows = tm_arena_array(arena, most, sizeof(*rows));
    for (size_t i = 0; i < family->tuning_count; i++) {
        const tm_tuning *tuning = &family->tunings[i];
        for (size_t j = 0; j < tuning->variant_count; j++) {
            tm_tuning_row *row = row_of(rows, &family->row_count, tuning->variants[j]);
            tm_score_add(&row->score, &tuning->variants[j]->score);
            row->definitions++;
            row->best_of += tuning->best == tuning->variants[j];
        }
    }
    /* Of a row that was not planned everywhere (--solutions) nothing is said over all. */
    tm_model_solution *scored = tm_arena_array(arena, family->row_count, sizeof(*scored));
    for (size_t i = 0; i < family->row_count; i++)
        if (rows[i].definitions == family->tuning_count)
            scored[i].score = rows[i].score;
    int best = tm_score_best(scored, family->row_count);
    family->rows = rows;
    family->best = best >= 0 ? &rows[best] : NULL;
}

static bool is_of(const tm_tuning_family *family, const tm_model_solution *variant) {
    return strcmp(family->name, variant->family) == 0 &&
           strcmp(family->author, variant->author) == 0;
}

/* Whether this is a variant with cells, and the first of its base. */
static bool is_first(const tm_model_definition *definition, size_t index) {
    if (definition->workload_count == 0)
        return false;
    for (size_t i = 0; i < index; i++)
        if (same_base(&definition->solutions[i], &definition->solutions[index]))
            return false;
    return definition->solutions[index].base != NULL;
}

const tm_tuning_family *tm_tuning_find(tm_arena *arena, const tm_model *model, size_t *count) {
    size_t most = 0;
    *count = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            most += is_first(&model->definitions[i], j);
    tm_tuning_family *families = tm_arena_array(arena, most, sizeof(*families));
    tm_tuning *tunings = tm_arena_array(arena, most, sizeof(*tunings));
    size_t *owners = tm_arena_array(arena, most, sizeof(*owners)), found = 0;
    tm_tuning *sorted = tm_arena_array(arena, most, sizeof(*sorted));
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++) {
            const tm_model_solution *variant = &model->definitions[i].solutions[j];
            if (!is_first(&model->definitions[i], j))
                continue;
            size_t family = 0;
            while (family < *count && !is_of(&families[family], variant))
                family++;
            if (family == *count)
                families[(*count)++] =
                    (tm_tuning_family){.name = variant->family, .author = variant->author};
            tunings[found] = collect(arena, &model->definitions[i], j);
            owners[found++] = family;
        }
    for (size_t family = 0; family < *count; family++) {
        families[family].tunings = sorted;
        for (size_t i = 0; i < found; i++)
            if (owners[i] == family) {
                *sorted++ = tunings[i];
                families[family].tuning_count++;
            }
        add_up(arena, &families[family]);
    }
    return families;
}

const tm_tuning *tm_tuning_of(const tm_tuning_family *families, size_t count,
                              const tm_model_solution *solution) {
    for (size_t i = 0; i < count && solution->base != NULL; i++)
        for (size_t j = 0; is_of(&families[i], solution) && j < families[i].tuning_count; j++)
            if (same_base(families[i].tunings[j].variants[0], solution))
                return &families[i].tunings[j];
    return NULL;
}

int tm_tuning_fastest(const tm_tuning *tuning, size_t workload) {
    int best = -1;
    double least = 0.0;
    for (size_t i = 0; i < tuning->variant_count; i++) {
        const tm_model_cell *cell = &tuning->variants[i]->cells[workload];
        bool timed = cell->state == TM_MODEL_RAN && cell->trace.status == TM_STATUS_PASSED &&
                     cell->trace.has_performance && cell->trace.latency_ms > 0.0;
        if (timed && (best < 0 || cell->trace.latency_ms < least)) {
            least = cell->trace.latency_ms;
            best = (int)i;
        }
    }
    return best;
}
