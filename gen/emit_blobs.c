/* emit_blobs: what tells the blobs of a row from others under the same name, and the recipes of
 * those that are made.
 *
 * A dataset in place of another brings files that may be older than the traces, so their time
 * stamps alone say nothing to ninja; this file is compared by content, and cells depend on it. It
 * is the only generated file that names the machine. Deliberately does not read the blobs: a
 * thousand of them are gigabytes. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gen/emit.h"
#include "gen/recipe_file.h"
#include "lib/file.h"
#include "lib/layout.h"
#include "lib/text.h"

/* "<path> <bytes> bytes <time>" of one file, its links followed; the path as given where it is gone
 * meanwhile, as the next plan will find out. */
static void add_identity(tm_text *out, const char *path) {
    char real[PATH_MAX];
    struct stat status;
    if (!realpath(path, real) || stat(real, &status) != 0)
        tm_text_format(out, "%s: %s\n", path, strerror(errno));
    else
        tm_text_format(out, "%s %lld bytes %lld.%09ld\n", real, (long long)status.st_size,
                       (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* What tm-blobs makes the blob of a row from. */
static bool emit_recipe(const tm_recipe *recipe, const char *uuid, tm_arena *arena, tm_diag *diag) {
    char *text = tm_recipe_print(recipe);
    bool good = tm_emit_file(
        tm_layout_gen(arena, recipe->definition, tm_arena_format(arena, "%s.recipe.json", uuid)),
        text, strlen(text), diag);
    free(text);
    return good;
}

bool tm_emit_blobs(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag) {
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        for (size_t row = 0; planned->reference && row < planned->row_count; row++) {
            const tm_workload *workload = planned->rows[row].workload;
            if (planned->rows[row].recipe &&
                !emit_recipe(planned->rows[row].recipe, workload->uuid, arena, diag))
                return false;
            if (!tm_plan_has_blobs(planned, row))
                continue;
            tm_text out = {0};
            for (size_t in = 0; in < planned->definition->input_count; in++)
                if (workload->inputs[in].kind == TM_INPUT_SAFETENSORS)
                    add_identity(&out,
                                 tm_file_join(arena, options->datasets[planned->rows[row].dataset],
                                              workload->inputs[in].path));
            const char *path = tm_layout_gen(arena, planned->definition->name,
                                             tm_arena_format(arena, "%s.blobs", workload->uuid));
            bool good = tm_emit_file(path, tm_text_get(&out), out.length, diag);
            tm_text_free(&out);
            if (!good)
                return false;
        }
    }
    return true;
}
