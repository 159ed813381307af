#include "gen/filters.h"

#include <string.h>

#include "lib/text.h"

bool tm_filters_covers(const tm_solution *solution, const tm_definition *definition) {
    if (solution->match && !tm_match_covers(solution->match, definition))
        return false;
    if (solution->definition_glob_count == 0)
        return solution->match || strcmp(solution->definition, definition->name) == 0;
    for (size_t i = 0; i < solution->definition_glob_count; i++)
        if (tm_text_matches(solution->definitions[i], definition->name))
            return true;
    return false;
}

/* What a filter can match. */
typedef struct {
    tm_arena *arena;
    const char **names;
    size_t count, capacity;
    size_t matchable; /* the first so many; the others may only have been meant; 0: all */
} name_list;

static void push(name_list *list, const char *name) {
    list->names =
        tm_arena_grow(list->arena, list->names, list->count, &list->capacity, sizeof *list->names);
    list->names[list->count++] = name;
}

/* A solution's name; of one with variants those of all of them as well. */
static void push_solution(name_list *list, const tm_solution *solution, const char *definition) {
    const char *name = tm_solution_expand_name(list->arena, solution->name, definition);
    push(list, name);
    for (size_t i = 0; i < solution->variant_count; i++)
        push(list, tm_arena_format(list->arena, "%s%s", name, solution->variants[i].suffix));
}

/* The name nearest to a glob: to its letters, or, of a glob that ends with '*', the name that
 * begins with what is nearest to them. Or NULL. */
static const char *nearest_name(const name_list *list, const char *glob) {
    size_t length = strcspn(glob, "*");
    const char *word = tm_arena_copy(list->arena, glob, length);
    const char *nearest = tm_text_nearest(word, list->names, list->count);
    if (nearest || !glob[length])
        return nearest;
    const char **heads = tm_arena_array(list->arena, list->count, sizeof *heads);
    for (size_t extra = 0; extra < 3; extra++) { /* as long, one longer, one shorter */
        size_t cut = extra == 2 ? length - 1 : length + extra;
        for (size_t i = 0; i < list->count && length; i++)
            heads[i] = tm_arena_copy(list->arena, list->names[i], strnlen(list->names[i], cut));
        const char *head = length ? tm_text_nearest(word, heads, list->count) : NULL;
        for (size_t i = 0; head && i < list->count; i++)
            if (heads[i] == head)
                return list->names[i];
    }
    return NULL;
}

/* One entry of a comma list after the other. */
static void check(const name_list *list, const char *option, const char *globs, const char *noun,
                  tm_diag *diag) {
    size_t matchable = list->matchable ? list->matchable : list->count;
    for (const char *at = globs; at && *at;) {
        size_t length = strcspn(at, ",");
        const char *glob = tm_arena_copy(list->arena, at, length);
        at += length + (at[length] == ',');
        bool matched = length == 0;
        for (size_t i = 0; i < matchable && !matched; i++)
            matched = tm_text_matches(glob, list->names[i]);
        if (matched)
            continue;
        const char *nearest = nearest_name(list, glob);
        if (nearest && strcmp(nearest, glob) == 0) {
            tm_diag_add(diag, TM_DIAG_WARNING, tm_diag_command_line, NULL,
                        "--%s: \"%s\" stands alone, and matches no %s; leave the others out",
                        option, glob, noun);
            continue;
        }
        tm_diag_add(diag, TM_DIAG_WARNING, tm_diag_command_line, NULL,
                    "--%s: \"%s\" matches no %s in the datasets%s%s%s", option, glob, noun,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
    }
}

void tm_filters_check(const tm_scan *scan, const tm_options *options, tm_arena *arena,
                      tm_diag *diag) {
    name_list definitions = {.arena = arena}, op_types = definitions, authors = definitions;
    name_list solutions = definitions, workloads = definitions;
    bool uuids = strcmp(options->workloads, "all") != 0 && strcmp(options->workloads, "smoke") != 0;
    for (size_t i = 0; i < scan->definition_count; i++) {
        const tm_scanned_definition *scanned = &scan->definitions[i];
        push(&definitions, scanned->definition->name);
        push(&op_types, scanned->definition->op_type);
        for (size_t row = 0; uuids && row < scanned->workload_count; row++)
            push(&workloads, scanned->workloads[row]->uuid);
    }
    for (size_t i = 0; i < scan->broken_count; i++)
        push(&definitions, scan->broken[i]); /* it has an error of its own */
    for (size_t i = 0; i < scan->solution_count; i++) {
        const tm_solution *solution = scan->solutions[i].solution;
        if (solution->role == TM_ROLE_REFERENCE)
            continue;
        push(&authors, solution->author);
        for (size_t d = 0; options->solutions && d < scan->definition_count; d++) {
            const tm_definition *definition = scan->definitions[d].definition;
            if (tm_filters_covers(solution, definition))
                push_solution(&solutions, solution, definition->name);
        }
    }
    check(&definitions, "definitions", options->definitions, "definition", diag);
    check(&solutions, "solutions", options->solutions, "solution", diag);
    check(&op_types, "op-types", options->op_types, "definition's op_type", diag);
    check(&authors, "authors", options->authors, "solution's author", diag);
    if (!uuids)
        return;
    workloads.matchable = workloads.count;
    push(&workloads, "smoke"); /* whole values of the option, and no entries */
    push(&workloads, "all");
    check(&workloads, "workloads", options->workloads, "row's UUID", diag);
}
