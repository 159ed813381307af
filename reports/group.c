#include "reports/group.h"

#include <stdbool.h>
#include <string.h>

#include "reports/doubt.h"

/* Outcomes by which cells are told apart: the statuses, then those without a verdict. */
enum { OUTCOME_NOT_RUN = TM_STATUS_COUNT, OUTCOME_WAITING, OUTCOME_BROKEN, OUTCOME_COUNT };

static int outcome(const tm_model_cell *cell) {
    switch (cell->state) {
    case TM_MODEL_RAN:
        return (int)cell->trace.status;
    case TM_MODEL_NOT_RUN:
        return OUTCOME_NOT_RUN;
    case TM_MODEL_WAITING:
        return OUTCOME_WAITING;
    case TM_MODEL_BROKEN:
        break;
    }
    return OUTCOME_BROKEN;
}

/* The cells of one solution with one outcome; false when there is none. */
static bool collect(tm_arena *arena, const tm_model_definition *definition,
                    const tm_model_solution *solution, int wanted, tm_group *group) {
    size_t count = 0;
    for (size_t i = 0; i < definition->workload_count; i++)
        count += outcome(&solution->cells[i]) == wanted;
    if (count == 0)
        return false;
    tm_group_cell *cells = tm_arena_array(arena, count, sizeof(*cells));
    *group = (tm_group){definition, solution, cells, count};
    for (size_t i = 0; i < definition->workload_count; i++)
        if (outcome(&solution->cells[i]) == wanted)
            *cells++ = (tm_group_cell){&solution->cells[i], &definition->workloads[i]};
    return true;
}

/* Groups of every outcome for which wanted[outcome] is set. */
static const tm_group *collect_all(tm_arena *arena, const tm_model *model,
                                   const bool wanted[OUTCOME_COUNT], size_t *count) {
    size_t most = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += model->definitions[i].solution_count * OUTCOME_COUNT;
    tm_group *groups = tm_arena_array(arena, most, sizeof(*groups));
    *count = 0;
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        for (size_t j = 0; j < definition->solution_count; j++)
            for (int kind = 0; kind < OUTCOME_COUNT; kind++)
                if (wanted[kind] &&
                    collect(arena, definition, &definition->solutions[j], kind, &groups[*count]))
                    ++*count;
    }
    return groups;
}

const tm_group *tm_group_failures(tm_arena *arena, const tm_model *model, size_t *count) {
    bool wanted[OUTCOME_COUNT];
    for (int kind = 0; kind < OUTCOME_COUNT; kind++)
        wanted[kind] = kind < TM_STATUS_COUNT ? kind != TM_STATUS_PASSED && kind != TM_STATUS_VOID
                                              : kind == OUTCOME_BROKEN;
    return collect_all(arena, model, wanted, count);
}

const tm_group *tm_group_not_run(tm_arena *arena, const tm_model *model, size_t *count) {
    return collect_all(arena, model, (const bool[OUTCOME_COUNT]){[OUTCOME_NOT_RUN] = true}, count);
}

/* The first VOID cell of a workload, or NULL. */
static const tm_model_cell *find_void(const tm_model_definition *definition, size_t workload) {
    for (size_t i = 0; i < definition->solution_count; i++)
        if (outcome(&definition->solutions[i].cells[workload]) == TM_STATUS_VOID)
            return &definition->solutions[i].cells[workload];
    return NULL;
}

const tm_group *tm_group_void(tm_arena *arena, const tm_model *model, size_t *count) {
    tm_group *groups = tm_arena_array(arena, model->definition_count, sizeof(*groups));
    *count = 0;
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        if (definition->score.by_status[TM_STATUS_VOID] == 0)
            continue;
        tm_group_cell *cells = tm_arena_array(arena, definition->workload_count, sizeof(*cells));
        tm_group *group = &groups[(*count)++];
        *group = (tm_group){.definition = definition, .cells = cells};
        for (size_t j = 0; j < definition->workload_count; j++) {
            const tm_model_cell *cell = find_void(definition, j);
            if (cell != NULL)
                cells[group->count++] = (tm_group_cell){cell, &definition->workloads[j]};
        }
    }
    return groups;
}

const tm_group *tm_group_doubted(tm_arena *arena, const tm_model *model, tm_doubt doubt,
                                 size_t *count) {
    size_t most = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += model->definitions[i].solution_count;
    tm_group *groups = tm_arena_array(arena, most, sizeof(*groups));
    *count = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++) {
            const tm_model_definition *definition = &model->definitions[i];
            const tm_model_solution *solution = &definition->solutions[j];
            if (solution->score.doubts[doubt] == 0)
                continue;
            tm_group_cell *cells =
                tm_arena_array(arena, solution->score.doubts[doubt], sizeof(*cells));
            tm_group *group = &groups[(*count)++];
            *group = (tm_group){definition, solution, cells, 0};
            for (size_t k = 0; k < definition->workload_count; k++)
                if (tm_doubt_is_cast(&solution->cells[k], doubt))
                    cells[group->count++] =
                        (tm_group_cell){&solution->cells[k], &definition->workloads[k]};
        }
    return groups;
}

static const tm_group_reason *group_reasons(tm_arena *arena, const tm_not_planned *entries,
                                            size_t entry_count, size_t *count) {
    tm_group_reason *reasons = tm_arena_array(arena, entry_count, sizeof(*reasons));
    *count = 0;
    for (size_t i = 0; i < entry_count; i++) {
        const tm_not_planned *entry = &entries[i];
        tm_group_reason *last = *count > 0 ? &reasons[*count - 1] : NULL;
        if (last != NULL && strcmp(last->kind, entry->kind) == 0 &&
            strcmp(last->reason, entry->reason) == 0)
            last->count++;
        else
            reasons[(*count)++] = (tm_group_reason){entry->kind, entry->reason, entry, 1};
    }
    return reasons;
}

const tm_group_reason *tm_group_not_planned(tm_arena *arena, const tm_model *model, size_t *count) {
    return group_reasons(arena, model->not_planned, model->not_planned_count, count);
}

const tm_group_need *tm_group_needs(tm_arena *arena, const tm_model *model, size_t *count) {
    size_t reason_count;
    const tm_group_reason *reasons =
        group_reasons(arena, model->waiting, model->waiting_count, &reason_count);
    tm_group_need *needs = tm_arena_array(arena, reason_count, sizeof(*needs));
    *count = 0;
    for (size_t i = 0; i < reason_count; i++) {
        tm_group_need *last = *count > 0 ? &needs[*count - 1] : NULL;
        if (last == NULL || strcmp(last->name, reasons[i].kind) != 0) {
            last = &needs[(*count)++];
            *last = (tm_group_need){.name = reasons[i].kind, .reasons = &reasons[i]};
        }
        last->reason_count++;
        last->solutions += reasons[i].count;
        for (size_t j = 0; j < reasons[i].count; j++)
            last->cells += reasons[i].entries[j].cells;
    }
    return needs;
}
