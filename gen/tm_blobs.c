/* tm-blobs: makes the safetensors file of a recipe.
 *
 *   tm-blobs --recipe=FILE.json --output=FILE.safetensors
 *
 * The same recipe gives the same bytes on every machine. A file that holds them already keeps its
 * time stamp, and a new one appears by rename. Everything is in memory until then: what a recipe
 * makes are indices and small states; large tensors are random inputs, which have no file.
 * Exit status: 0 made, 2 bad arguments or a bad recipe, 3 it could not be written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/recipe.h"
#include "gen/recipe_file.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/safetensors.h"

typedef struct {
    const char *recipe, *output;
} arguments;

static bool parse_arguments(arguments *args, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--recipe=", 9) == 0)
            args->recipe = argv[i] + 9;
        else if (strncmp(argv[i], "--output=", 9) == 0)
            args->output = argv[i] + 9;
        else
            return false;
    }
    return args->recipe && args->output;
}

/* NULL after appending an error. */
static const tm_recipe *load(const char *path, tm_arena *arena, tm_diag *diag) {
    const tm_source *source = tm_file_read(arena, path);
    if (!source) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "--recipe=%s: expected a readable recipe: %s", path, strerror(errno));
        return NULL;
    }
    tm_node_reader reader = {arena, diag};
    const tm_node *root = tm_json_parse_all(arena, source, diag);
    const tm_recipe *recipe = root ? tm_recipe_read(&reader, root) : NULL;
    const char *why = recipe ? tm_recipe_check(recipe) : NULL;
    if (why)
        tm_diag_error(diag, root->place, NULL, "%s; correct the row or its recipe", why);
    return why ? NULL : recipe;
}

/* The whole file; NULL after appending an error, with the exit status for it. Caller frees. */
static char *make(const tm_recipe *recipe, size_t *length, tm_diag *diag, int *status) {
    tm_safetensor tensors[TM_MAX_TENSORS] = {0};
    const tm_recipe_tensor *made[TM_MAX_TENSORS];
    size_t count = 0;
    for (size_t i = 0; i < recipe->tensor_count; i++) {
        const tm_recipe_tensor *tensor = &recipe->tensors[i];
        if (!tensor->made)
            continue;
        made[count] = tensor;
        tensors[count] =
            (tm_safetensor){.name = tensor->name, .dtype = tensor->dtype, .rank = tensor->rank};
        memcpy(tensors[count++].shape, tensor->shape, (size_t)tensor->rank * sizeof(int64_t));
    }
    char *file = tm_safetensors_lay_out(tensors, count, length);
    if (!file) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "the tensors of \"%s\" do not fit into memory: %s; make an axis smaller",
                      recipe->definition, strerror(errno));
        *status = 3;
    }
    for (size_t i = 0; file && i < count; i++) {
        const char *error;
        if (tm_recipe_fill(recipe, made[i], tm_safetensors_data(file, &tensors[i]), &error))
            continue;
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s", error);
        free(file);
        file = NULL;
    }
    return file;
}

int main(int argc, char **argv) {
    arguments args = {0};
    if (!parse_arguments(&args, argc, argv)) {
        fprintf(stderr, "usage: tm-blobs --recipe=FILE.json --output=FILE.safetensors\n");
        return 2;
    }
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    size_t length;
    int status = 2;
    const tm_recipe *recipe = load(args.recipe, arena, diag);
    char *file = recipe ? make(recipe, &length, diag, &status) : NULL;
    if (file) {
        status = 0;
        if (!tm_file_write(args.output, file, length, NULL)) {
            tm_diag_error(diag, tm_diag_command_line, NULL,
                          "%s: cannot be written: %s; see to the build folder's permissions and "
                          "free space",
                          args.output, strerror(errno));
            status = 3;
        }
    }
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    free(file);
    tm_arena_destroy(arena);
    return status;
}
