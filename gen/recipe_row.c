#include "gen/recipe_row.h"

#include "gen/recipe_file.h"
#include "lib/node.h"

#define WHERE "workload.tracemill"

/* The row's `tracemill.recipe`, or NULL; false after appending an error. */
static bool find_recipe(tm_node_reader *reader, const tm_workload *workload,
                        const tm_node **recipe) {
    static const char *const known[] = {"recipe"};
    *recipe = NULL;
    const tm_node *given = tm_node_get(workload->node, "tracemill");
    if (!given)
        return true;
    size_t errors = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    const tm_node *own =
        tm_node_may(reader, workload->node, "workload", "tracemill", TM_NODE_OBJECT);
    if (own && tm_node_only(reader, own, WHERE, known, sizeof known / sizeof *known))
        *recipe = tm_node_may(reader, own, WHERE, "recipe", TM_NODE_OBJECT);
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors;
}

const char *tm_recipe_row_plan(tm_row *row, bool missing, bool synthesize, tm_arena *arena,
                               tm_diag *diag) {
    tm_node_reader reader = {arena, diag};
    const tm_node *written;
    tm_recipe_options options = tm_recipe_defaults(row->workload->uuid);
    if (!find_recipe(&reader, row->workload, &written) ||
        (written && !tm_recipe_parse_options(&reader, written, WHERE ".recipe", &options)))
        return "its recipe has errors";
    if (!missing)
        return NULL;
    if (!written && !synthesize)
        return "its blob is not on disk";
    tm_recipe *recipe = tm_recipe_of_row(arena, row->workload, options);
    const char *why = tm_recipe_check(recipe);
    if (why && written)
        tm_diag_error(diag, written->place, WHERE ".recipe", "%s; correct the row", why);
    if (why)
        return written ? "its recipe has errors"
                       : tm_arena_format(arena, "its blob is not on disk, and none can be made: %s",
                                         why);
    row->recipe = recipe;
    row->synthesized = !written;
    return NULL;
}
