#include "harness/job.h"

#include <stdio.h>
#include <string.h>

#include "lib/definition.h"
#include "lib/file.h"
#include "lib/safetensors.h"
#include "lib/tvm_ffi.h"

/* How the entry is called. */
static bool parse_binding(tm_facts *facts, tm_node_reader *reader, const tm_node *node) {
    const char *binding = NULL;
    bool is_given = true;
    if (!tm_node_need_string(reader, node, "", "binding", &binding))
        return false;
    facts->binding = TM_BINDING_C;
    if (strcmp(binding, "tvm-ffi") != 0)
        return true;
    facts->binding = TM_BINDING_TVM_FFI;
    tm_node_may_bool(reader, node, "", "destination_passing", &is_given);
    facts->returns = !is_given;
    return tm_node_need_string(reader, node, "", "entry", &facts->entry);
}

bool tm_facts_parse(tm_facts *facts, tm_node_reader *reader, const tm_node *node) {
    *facts = (tm_facts){0};
    const tm_node *constants = tm_node_need(reader, node, "", "constants", TM_NODE_ARRAY);
    bool good = tm_node_need_string(reader, node, "", "name", &facts->name) &&
                tm_node_need_string(reader, node, "", "author", &facts->author) &&
                tm_node_need_string(reader, node, "", "definition", &facts->definition) &&
                tm_node_need_string(reader, node, "", "log", &facts->log) &&
                parse_binding(facts, reader, node) &&
                tm_node_may_strings(reader, node, "", "axes", &facts->axes, &facts->axis_count) &&
                tm_node_may_strings(reader, node, "", "overwrites", &facts->overwrites,
                                    &facts->overwrite_count);
    facts->baked = tm_node_may(reader, node, "", "baked", TM_NODE_OBJECT);
    if (!good || !constants)
        return false;
    for (const tm_node *value = constants->child; value; value = value->next) {
        if (facts->constant_count == sizeof facts->constants / sizeof *facts->constants) {
            tm_diag_error(reader->diag, value->place, facts->name,
                          "expected at most %zu constants, got %zu; make some of them macros",
                          facts->constant_count, constants->count);
            return false;
        }
        facts->constants[facts->constant_count++] = value->number;
    }
    return true;
}

/* The bytes of tm_axes: int64 axes, then double constants. */
static bool fill_axes(tm_job *job, const tm_table *table, const tm_facts *facts, tm_diag *diag) {
    if ((facts->axis_count + facts->constant_count) * 8 > sizeof job->axes) {
        tm_diag_error(diag, tm_diag_command_line, facts->name,
                      "expected at most %zu axes and constants, got %zu; make some axes const",
                      sizeof job->axes / 8, facts->axis_count + facts->constant_count);
        return false;
    }
    unsigned char *at = job->axes;
    for (size_t i = 0; i < facts->axis_count; i++, at += 8) {
        const tm_table_axis *axis = NULL;
        for (size_t j = 0; j < table->axis_count && !axis; j++)
            if (strcmp(table->axes[j].name, facts->axes[i]) == 0)
                axis = &table->axes[j];
        if (!axis) {
            tm_diag_error(diag, tm_diag_command_line, facts->name,
                          "expected only axes of %s, got \"%s\"; run ninja again",
                          table->definition, facts->axes[i]);
            return false;
        }
        memcpy(at, &axis->value, 8);
    }
    memcpy(at, facts->constants, facts->constant_count * 8);
    return true;
}

/* A scalar in the type that the contract passes it as. */
static void fill_scalar(tm_job_tensor *out, const tm_table_tensor *tensor) {
    float number = (float)tensor->number;
    int64_t integer = tensor->integer; /* little-endian: the low bytes are every narrower type */
    if (tm_dtype_is_float(tensor->dtype))
        memcpy(out->scalar, &number, sizeof number);
    else
        memcpy(out->scalar, &integer, sizeof integer);
}

static bool locate_blob(tm_job_tensor *out, const tm_table_tensor *tensor, const char *root,
                        tm_arena *arena, tm_diag *diag) {
    const char *path = tm_file_join(arena, root, tensor->path);
    tm_safetensors *file = tm_safetensors_open(arena, path, diag);
    if (!file)
        return false;
    const tm_safetensor *found = tm_safetensors_find(file, tensor->tensor_key);
    bool good = found && found->bytes == out->bytes && strlen(path) < sizeof out->path;
    if (good) {
        out->file_offset = tm_safetensors_offset(file, found);
        snprintf(out->path, sizeof out->path, "%s", path);
    } else
        tm_diag_error(diag, tm_diag_command_line, tensor->name,
                      "expected %llu bytes of tensor \"%s\" in %s; run ninja again",
                      (unsigned long long)out->bytes, tensor->tensor_key, path);
    tm_safetensors_close(file);
    return good;
}

static bool fill_tensor(tm_job_tensor *out, const tm_table *table, const tm_table_tensor *tensor,
                        const char *root, tm_arena *arena, tm_diag *diag) {
    size_t bytes;
    int64_t elems = 1;
    for (int i = 0; i < tensor->rank; i++)
        elems *= tensor->shape[i]; /* tm-gen has checked that this does not overflow */
    if (!tm_dtype_bytes(tensor->dtype, elems, &bytes)) {
        tm_diag_error(diag, tm_diag_command_line, tensor->name,
                      "expected a number of elements that fills whole bytes, got %lld; run ninja "
                      "again",
                      (long long)elems);
        return false;
    }
    snprintf(out->name, sizeof out->name, "%s", tensor->name);
    out->dtype = tensor->dtype;
    out->fill = tensor->fill;
    out->is_scalar = tensor->is_scalar;
    out->rank = tensor->rank;
    memcpy(out->shape, tensor->shape, sizeof out->shape);
    out->elems = elems;
    out->bytes = bytes;
    out->number = tensor->number;
    out->integer = tensor->integer;
    out->random =
        tm_random_form_of(table->op_type, tensor->name, tensor->dtype, tensor->rank, tensor->shape);
    if (tensor->fill == TM_FILL_SCALAR)
        fill_scalar(out, tensor);
    return tensor->fill != TM_FILL_BLOB || locate_blob(out, tensor, root, arena, diag);
}

static uint64_t align_up(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

/* Whether the job has room for these. */
static bool fits(const tm_job *job, const tm_table *table, const tm_facts *facts,
                 const char *object, tm_diag *diag) {
    size_t count = table->input_count + table->output_count;
    if (count > TM_MAX_TENSORS)
        tm_diag_error(diag, tm_diag_command_line, table->definition,
                      "expected at most %d inputs and outputs, got %zu; pack some into one tensor",
                      TM_MAX_TENSORS, count);
    else if (strlen(table->signature) >= sizeof job->signature)
        tm_diag_error(diag, tm_diag_command_line, table->definition,
                      "expected a signature of fewer than %zu bytes, got %zu; shorten the names of "
                      "its tensors and axes",
                      sizeof job->signature, strlen(table->signature));
    else if (strlen(object) >= sizeof job->object)
        tm_diag_error(diag, tm_diag_command_line, table->definition,
                      "expected the solution's path in fewer than %zu bytes, got %zu; move the "
                      "build folder",
                      sizeof job->object, strlen(object));
    else if (facts->entry && strlen(facts->entry) >= sizeof job->entry)
        tm_diag_error(diag, tm_diag_command_line, facts->name,
                      "expected an entry point of fewer than %zu bytes, got %zu; shorten its name",
                      sizeof job->entry, strlen(facts->entry));
    else
        return true;
    return false;
}

/* How the entry is called, and what serves it. */
static void fill_binding(tm_job *job, const tm_facts *facts, const char *root, tm_arena *arena) {
    job->binding = facts->binding;
    if (facts->binding != TM_BINDING_TVM_FFI)
        return;
    job->returns = facts->returns;
    snprintf(job->entry, sizeof job->entry, "%s", facts->entry);
    snprintf(job->library, sizeof job->library, "%s", tm_file_join(arena, root, TM_FFI_LIBRARY));
}

const tm_job *tm_job_make(const tm_table *table, const tm_facts *facts, const char *object,
                          const char *root, int device, tm_arena *arena, tm_diag *diag) {
    size_t count = table->input_count + table->output_count;
    tm_job *job = tm_arena_alloc(arena, sizeof *job);
    if (!fits(job, table, facts, object, diag))
        return NULL;
    snprintf(job->object, sizeof job->object, "%s", object);
    snprintf(job->signature, sizeof job->signature, "%s", table->signature);
    fill_binding(job, facts, root, arena);
    job->device = device;
    job->input_count = (uint32_t)table->input_count;
    job->tensor_count = (uint32_t)count;
    job->repeats = 1;
    if (!fill_axes(job, table, facts, diag))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        tm_job_tensor *out = &job->tensors[i];
        if (!fill_tensor(out, table, &table->tensors[i], root, arena, diag))
            return NULL;
        if (i >= table->input_count) {
            out->offset = job->output_bytes;
            job->output_bytes += align_up(out->bytes, 4096);
        }
        for (size_t o = 0; i < table->input_count && o < facts->overwrite_count; o++)
            if (strcmp(facts->overwrites[o], table->tensors[i].name) == 0)
                out->is_overwritten = 1;
    }
    return job;
}

const tm_job *tm_job_repeat(const tm_job *job, const tm_facts *facts, const char *axis,
                            int64_t repeats, tm_arena *arena) {
    tm_job *large = tm_arena_alloc(arena, sizeof *large);
    *large = *job;
    large->repeats = (uint32_t)repeats;
    large->output_bytes = 0;
    for (size_t i = 0; i < facts->axis_count; i++) {
        int64_t value;
        if (strcmp(facts->axes[i], axis) != 0)
            continue;
        memcpy(&value, large->axes + i * 8, 8);
        value *= repeats;
        memcpy(large->axes + i * 8, &value, 8);
    }
    for (size_t i = 0; i < large->tensor_count; i++) {
        tm_job_tensor *tensor = &large->tensors[i];
        if (!tensor->is_scalar) {
            tensor->shape[0] *= repeats;
            tensor->elems *= repeats;
            tensor->bytes *= (uint64_t)repeats;
        }
        if (i >= large->input_count) {
            tensor->offset = large->output_bytes;
            large->output_bytes += align_up(tensor->bytes, 4096);
        }
    }
    return large;
}
