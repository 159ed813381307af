#include "gen/selection.h"

#include "lib/text.h"

/* Whether `name` is in a NULL-terminated list of globs; a NULL list holds everything. */
static bool listed(const char *const *globs, const char *name) {
    if (!globs)
        return true;
    for (; *globs; globs++)
        if (tm_text_matches(*globs, name))
            return true;
    return false;
}

bool tm_selection_definition(const tm_options *options, const tm_definition *definition) {
    return tm_text_matches(options->definitions, definition->name) &&
           tm_text_matches(options->op_types, definition->op_type) &&
           listed(tm_config_definitions(options->config), definition->name);
}

bool tm_selection_name(const tm_options *options, const char *name) {
    return tm_text_matches(options->solutions, name) &&
           listed(tm_config_solutions(options->config), name);
}

bool tm_selection_solution(const tm_options *options, const tm_solution *solution, const char *name,
                           tm_arena *arena) {
    bool selected = tm_selection_name(options, name);
    for (size_t i = 0; i < solution->variant_count && !selected; i++)
        selected = tm_selection_name(
            options, tm_arena_format(arena, "%s%s", name, solution->variants[i].suffix));
    return selected && tm_text_matches(options->authors, solution->author);
}
