#include "gen/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "lib/layout.h"

void tm_candidates_add(tm_candidates *list, tm_arena *arena, tm_candidate candidate) {
    list->items =
        tm_arena_grow(arena, list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = candidate;
}

static const tm_source *source_of(const tm_candidate *candidate) {
    return candidate->scanned->solution->source;
}

static int compare_names(const void *a, const void *b) {
    const tm_candidate *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    if (!order)
        order = (int)right->is_reference - (int)left->is_reference;
    if (!order)
        order = strcmp(source_of(left)->path, source_of(right)->path);
    return order ? order
                 : (left->definition > right->definition) - (left->definition < right->definition);
}

static int compare_places(const void *a, const void *b) {
    const tm_candidate *left = a, *right = b;
    int order = (int)right->is_reference - (int)left->is_reference;
    if (!order)
        order = (left->definition > right->definition) - (left->definition < right->definition);
    return order ? order : strcmp(left->name, right->name);
}

/* A base comes before its variants, whose names begin with its own. */
void tm_candidates_settle(tm_candidates *list, const tm_scan *scan, tm_diag *diag) {
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_names);
    const tm_candidate *first = NULL;
    for (size_t i = 0; i < list->count; i++) {
        tm_candidate *made = &list->items[i];
        const tm_source *owner = NULL;
        const tm_scanned_definition *definition =
            made->is_reference ? NULL : tm_scan_find(scan, made->name);
        if (made->base && made->base->dropped) {
            made->dropped = true;
            continue;
        }
        if (first && strcmp(first->name, made->name) == 0)
            owner = source_of(first);
        else if (definition)
            owner = definition->definition->source;
        else
            first = made;
        const tm_solution *solution = made->scanned->solution;
        const char *unfit = !tm_layout_fits(made->name)         ? "name"
                            : !tm_layout_fits(solution->author) ? "author"
                                                                : NULL;
        made->dropped = owner || unfit;
        if (made->base && !made->variant)
            made->base->dropped = made->dropped;
        if (unfit)
            tm_diag_error(diag, tm_node_get(solution->node, unfit)->place, unfit,
                          "expected one line of at most %d bytes, as files are named after it, got "
                          "\"%.60s\"...; rename it",
                          TM_LAYOUT_MAX_NAME, unfit[0] == 'n' ? made->name : solution->author);
        else if (owner)
            tm_diag_error(diag, tm_node_get(solution->node, "name")->place, "name",
                          "expected a name of its own, got \"%s\", which %s has already; rename "
                          "one",
                          made->name, owner->path);
    }
}

void tm_candidates_sort(tm_candidates *list) {
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_places);
}
