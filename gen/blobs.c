#include "gen/blobs.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/safetensors.h"
#include "lib/text.h"

/* What is known of one blob file. */
typedef struct blob blob;
struct blob {
    blob *next; /* in its bucket */
    const char *path;
    bool present;           /* on disk */
    bool good;              /* readable as safetensors */
    tm_safetensor *tensors; /* headers only: `data` is not kept */
    size_t count;
};

#define BUCKETS 4096

struct tm_blobs {
    tm_arena *arena;
    tm_diag *diag;
    blob *buckets[BUCKETS];
    const char **inputs;
    size_t input_count, input_capacity;
};

tm_blobs *tm_blobs_create(tm_arena *arena, tm_diag *diag) {
    tm_blobs *blobs = tm_arena_alloc(arena, sizeof *blobs);
    blobs->arena = arena;
    blobs->diag = diag;
    return blobs;
}

static void note_input(tm_blobs *blobs, const char *path) {
    blobs->inputs = tm_arena_grow(blobs->arena, blobs->inputs, blobs->input_count,
                                  &blobs->input_capacity, sizeof *blobs->inputs);
    blobs->inputs[blobs->input_count++] = path;
}

static void read_header(tm_blobs *blobs, blob *made) {
    tm_safetensors *file = tm_safetensors_open(blobs->arena, made->path, blobs->diag);
    if (!file)
        return;
    const tm_safetensor *tensors;
    made->good = true;
    made->count = tm_safetensors_list(file, &tensors);
    made->tensors = tm_arena_array(blobs->arena, made->count, sizeof *made->tensors);
    if (made->count)
        memcpy(made->tensors, tensors, made->count * sizeof *tensors);
    tm_safetensors_close(file);
}

static const blob *open_blob(tm_blobs *blobs, const char *path) {
    blob **bucket = &blobs->buckets[tm_text_hash(TM_TEXT_HASH_START, path) % BUCKETS];
    for (blob *known = *bucket; known; known = known->next)
        if (strcmp(known->path, path) == 0)
            return known;
    blob *made = tm_arena_alloc(blobs->arena, sizeof *made);
    made->path = path;
    made->next = *bucket;
    *bucket = made;
    made->present = access(path, F_OK) == 0;
    note_input(blobs, tm_file_nearest(blobs->arena, path));
    if (made->present)
        read_header(blobs, made);
    return made;
}

static void add_shape(tm_text *text, const int64_t *shape, int rank) {
    tm_text_add(text, "[");
    for (int i = 0; i < rank; i++)
        tm_text_format(text, "%s%" PRId64, i ? ", " : "", shape[i]);
    tm_text_add(text, "]");
}

/* Checks one tensor of a blob against what the definition and the row's axes say. */
static bool tensor_fits(tm_blobs *blobs, const blob *file, const tm_workload *workload,
                        size_t index) {
    const tm_tensor *tensor = &workload->definition->tensors[index];
    const tm_input *input = &workload->inputs[index];
    const char *where = tm_arena_format(blobs->arena, "inputs.%s", tensor->name);
    const tm_safetensor *found = NULL;
    for (size_t i = 0; i < file->count && !found; i++)
        if (strcmp(file->tensors[i].name, input->tensor_key) == 0)
            found = &file->tensors[i];
    if (!found) {
        tm_diag_error(blobs->diag, input->place, where,
                      "expected a tensor \"%s\" in %s, got none of that name among %zu; correct "
                      "tensor_key",
                      input->tensor_key, file->path, file->count);
        return false;
    }
    if (!found->dtype_known || found->dtype != tensor->dtype) {
        tm_diag_error(
            blobs->diag, input->place, where,
            "expected dtype %s, got %s in %s; convert the tensor or correct the definition",
            tm_dtype_name(tensor->dtype), found->dtype_name, file->path);
        return false;
    }
    int64_t shape[TM_MAX_RANK], elems;
    if (!tm_tensor_shape(tensor, workload->axes, shape, &elems))
        return false;
    bool same = found->rank == tensor->rank;
    for (int i = 0; same && i < tensor->rank; i++)
        same = found->shape[i] == shape[i];
    if (!same) {
        tm_text expected = {0}, got = {0};
        add_shape(&expected, shape, tensor->rank);
        add_shape(&got, found->shape, found->rank);
        tm_diag_error(blobs->diag, input->place, where,
                      "expected shape %s, got %s in %s; correct the row's axes or the tensor",
                      tm_text_get(&expected), tm_text_get(&got), file->path);
        tm_text_free(&expected);
        tm_text_free(&got);
    }
    return same;
}

const char *tm_blobs_check(tm_blobs *blobs, const tm_workload *workload, const char *root,
                           bool *missing) {
    const char *reason = NULL;
    *missing = false;
    for (size_t i = 0; i < workload->definition->input_count; i++) {
        if (workload->inputs[i].kind != TM_INPUT_SAFETENSORS)
            continue;
        const blob *file =
            open_blob(blobs, tm_file_join(blobs->arena, root, workload->inputs[i].path));
        if (!file->present) {
            *missing = true;
            return "its blob is not on disk";
        }
        if (!file->good || !tensor_fits(blobs, file, workload, i))
            reason = "its blob has errors";
    }
    return reason;
}

size_t tm_blobs_inputs(const tm_blobs *blobs, const char ***paths) {
    *paths = blobs->inputs;
    return blobs->input_count;
}
