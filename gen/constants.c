#include "gen/constants.h"

#include <stdbool.h>
#include <string.h>

/* Of a definition, and as many of a row again. */
#define MAX_CONSTANTS ((size_t)2 * TM_MAX_CONSTANTS)

/* Sets or replaces one constant in a list that stays sorted by name. */
static void set(tm_constant *list, size_t *count, tm_constant constant) {
    size_t at = 0;
    while (at < *count && strcmp(list[at].name, constant.name) < 0)
        at++;
    if (at == *count || strcmp(list[at].name, constant.name) != 0) {
        if (*count == MAX_CONSTANTS)
            return;
        memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
        (*count)++;
    }
    list[at] = constant;
}

static bool has(const tm_constant_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return true;
    return false;
}

tm_constant_list tm_constants_of(tm_arena *arena, const tm_definition *definition,
                                 const tm_solution *reference) {
    tm_constant *list = tm_arena_array(arena, MAX_CONSTANTS, sizeof *list);
    size_t count = 0;
    const tm_constants_row *row =
        reference ? tm_solution_constants(reference, definition->name) : NULL;
    for (size_t i = 0; row && i < row->count; i++)
        set(list, &count, row->constants[i]);
    for (size_t i = 0; i < definition->constant_count; i++)
        set(list, &count, definition->constants[i]);
    return (tm_constant_list){list, count};
}

const char *tm_constants_missing(const tm_constant_list *have, const tm_solution *reference) {
    if (reference->constants_count == 0)
        return NULL;
    const tm_constants_row *row = &reference->constants[0];
    for (size_t i = 0; i < row->count; i++)
        if (!has(have, row->constants[i].name))
            return row->constants[i].name;
    return NULL;
}

tm_constant_list tm_constants_extend(tm_arena *arena, tm_constant_list own,
                                     const tm_solution *solution, const tm_definition *definition) {
    const tm_constants_row *row = tm_solution_constants(solution, definition->name);
    if (!row)
        return own;
    tm_constant *list = tm_arena_array(arena, MAX_CONSTANTS, sizeof *list);
    size_t count = own.count;
    memcpy(list, own.items, count * sizeof *list);
    for (size_t i = 0; i < row->count; i++)
        if (!has(&own, row->constants[i].name))
            set(list, &count, row->constants[i]);
    return (tm_constant_list){list, count};
}
