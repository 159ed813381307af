#include "lib/workload.h"

#include <math.h>
#include <string.h>

#include "lib/field.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const kind_names[] = {
    [TM_INPUT_RANDOM] = "random",
    [TM_INPUT_SCALAR] = "scalar",
    [TM_INPUT_SAFETENSORS] = "safetensors",
};

typedef struct {
    tm_node_reader *reader;
    const tm_definition *definition;
    tm_workload *workload;
} context;

static const char *describe(context *c, const tm_node *node) {
    return tm_node_describe(c->reader->arena, node);
}

static size_t list_var_axes(const tm_definition *definition, const char **names) {
    size_t count = 0;
    for (size_t i = 0; i < definition->axis_count; i++)
        if (!definition->axes[i].is_const)
            names[count++] = definition->axes[i].name;
    return count;
}

static void check_surplus_axis(context *c, const tm_node *node) {
    tm_node_reader *reader = c->reader;
    int index = tm_definition_axis(c->definition, node->key);
    if (index >= 0 && !c->definition->axes[index].is_const)
        return;
    const char *names[TM_MAX_AXES];
    size_t count = list_var_axes(c->definition, names);
    const char *list = tm_field_list(reader->arena, names, count);
    const char *where = tm_field_join(reader->arena, "workload.axes", node->key);
    if (index >= 0)
        tm_diag_error(reader->diag, tm_node_key_place(node), where,
                      "expected only var axes (%s), got the const axis \"%s\"; remove it, "
                      "definition \"%s\" makes it %lld",
                      list, node->key, c->definition->name,
                      (long long)c->definition->axes[index].value);
    else
        tm_diag_error(reader->diag, tm_node_key_place(node), where,
                      "expected a var axis of definition \"%s\" (%s), got \"%s\"; %s",
                      c->definition->name, list, node->key,
                      tm_field_hint(reader->arena, node->key, names, count, "remove it"));
}

static void read_axis(context *c, const tm_node *axes, size_t index) {
    const tm_axis *axis = &c->definition->axes[index];
    if (axis->is_const) {
        c->workload->axes[index] = axis->value;
        return;
    }
    const char *where = tm_field_join(c->reader->arena, "workload.axes", axis->name);
    const tm_node *value = tm_node_get(axes, axis->name);
    if (!value)
        tm_diag_error(c->reader->diag, axes->place, where,
                      "expected an integer >= 0, got nothing; add \"%s\": N", axis->name);
    else if (value->type != TM_NODE_NUMBER || !value->is_integer || value->integer < 0)
        tm_diag_error(c->reader->diag, value->place, where,
                      "expected an integer >= 0, got %s; write its size in digits only",
                      describe(c, value));
    else
        c->workload->axes[index] = value->integer;
}

static void read_axes(context *c, const tm_node *node) {
    const tm_node *axes = tm_node_need(c->reader, node, "workload", "axes", TM_NODE_OBJECT);
    if (!axes)
        return;
    size_t errors_before = tm_diag_count(c->reader->diag, TM_DIAG_ERROR);
    for (size_t i = 0; i < c->definition->axis_count; i++)
        read_axis(c, axes, i);
    for (const tm_node *axis = axes->child; axis; axis = axis->next)
        check_surplus_axis(c, axis);
    size_t bytes;
    if (tm_diag_count(c->reader->diag, TM_DIAG_ERROR) == errors_before &&
        !tm_workload_bytes(c->workload, &bytes))
        tm_diag_error(c->reader->diag, axes->place, "workload.axes",
                      "expected tensors whose bytes 64 bits can count, got larger ones; make an "
                      "axis smaller");
}

/* What an integer dtype can hold; int64 holds whatever a node's integer does. */
static int64_t largest_integer(tm_dtype dtype) {
    return INT64_MAX >> (64 - tm_dtype_bits(dtype));
}

static void read_value(context *c, const tm_node *value, const char *where, tm_dtype dtype,
                       tm_input *input) {
    tm_diag *diag = c->reader->diag;
    const char *name = tm_dtype_name(dtype);
    if (dtype == TM_DTYPE_BOOL) {
        if (value->type != TM_NODE_BOOL)
            tm_diag_error(diag, value->place, where,
                          "expected true or false (dtype bool), got %s; write one of the two",
                          describe(c, value));
        input->integer = value->boolean;
    } else if (tm_dtype_is_float(dtype)) {
        if (value->type != TM_NODE_NUMBER || !isfinite(value->number))
            tm_diag_error(diag, value->place, where,
                          "expected a finite number (dtype %s), got %s; write a number", name,
                          describe(c, value));
        input->number = value->number;
    } else {
        int64_t largest = largest_integer(dtype);
        if (value->type != TM_NODE_NUMBER || !value->is_integer || value->integer > largest ||
            value->integer < -largest - 1)
            tm_diag_error(diag, value->place, where,
                          "expected an integer from %lld to %lld (dtype %s), got %s; write one of "
                          "these",
                          (long long)(-largest - 1), (long long)largest, name, describe(c, value));
        input->integer = value->integer;
    }
}

static void read_scalar(context *c, const tm_node *node, const char *where, const tm_tensor *tensor,
                        tm_input *input) {
    static const char *const keys[] = {"type", "value"};
    const char *value_where = tm_field_join(c->reader->arena, where, "value");
    const tm_node *value = tm_node_get(node, "value");
    if (value)
        read_value(c, value, value_where, tensor->dtype, input);
    else
        tm_diag_error(c->reader->diag, node->place, value_where,
                      "expected a value of dtype %s, got nothing; add \"value\"",
                      tm_dtype_name(tensor->dtype));
    tm_node_note_unknown(c->reader, node, where, keys, COUNT(keys));
}

static void read_safetensors(context *c, const tm_node *node, const char *where, tm_input *input) {
    static const char *const keys[] = {"type", "path", "tensor_key"};
    const char *path = NULL;
    if (tm_node_need_string(c->reader, node, where, "path", &path))
        input->path = tm_field_check_path(c->reader, tm_node_get(node, "path")->place,
                                          tm_field_join(c->reader->arena, where, "path"), path,
                                          "the dataset's root");
    tm_node_need_string(c->reader, node, where, "tensor_key", &input->tensor_key);
    tm_node_note_unknown(c->reader, node, where, keys, COUNT(keys));
}

static bool read_kind(context *c, const tm_node *node, const char *where, tm_input_kind *kind) {
    const char *type = NULL;
    if (!tm_node_need_string(c->reader, node, where, "type", &type))
        return false;
    for (size_t i = 0; i < COUNT(kind_names); i++) {
        if (strcmp(type, kind_names[i]) == 0) {
            *kind = (tm_input_kind)i;
            return true;
        }
    }
    tm_diag_error(
        c->reader->diag, tm_node_get(node, "type")->place,
        tm_field_join(c->reader->arena, where, "type"),
        "expected \"random\", \"scalar\" or \"safetensors\", got \"%s\"; %s", type,
        tm_field_hint(c->reader->arena, type, kind_names, COUNT(kind_names), "write one of these"));
    return false;
}

static void read_input(context *c, const tm_node *node, const char *where, const tm_tensor *tensor,
                       tm_input *input) {
    static const char *const random_keys[] = {"type"};
    tm_diag *diag = c->reader->diag;
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(diag, node->place, where, "expected an object such as %s, got %s; write one",
                      tensor->is_scalar ? "{\"type\": \"scalar\", \"value\": ...}"
                                        : "{\"type\": \"random\"}",
                      describe(c, node));
        return;
    }
    if (!read_kind(c, node, where, &input->kind))
        return;
    if (tensor->is_scalar && input->kind != TM_INPUT_SCALAR) {
        tm_diag_error(diag, node->place, where,
                      "expected {\"type\": \"scalar\", \"value\": ...} as the shape is null, got "
                      "type \"%s\"; give its value",
                      kind_names[input->kind]);
    } else if (!tensor->is_scalar && input->kind == TM_INPUT_SCALAR) {
        tm_diag_error(diag, node->place, where,
                      "expected type \"random\" or \"safetensors\" as it is a tensor, got type "
                      "\"scalar\"; use one of these, or make its shape null in the definition");
    } else if (input->kind == TM_INPUT_SCALAR) {
        read_scalar(c, node, where, tensor, input);
    } else if (input->kind == TM_INPUT_SAFETENSORS) {
        read_safetensors(c, node, where, input);
    } else {
        tm_node_note_unknown(c->reader, node, where, random_keys, COUNT(random_keys));
    }
}

static void check_surplus_input(context *c, const tm_node *node) {
    tm_arena *arena = c->reader->arena;
    int index = tm_definition_tensor(c->definition, node->key);
    if (index >= 0 && (size_t)index < c->definition->input_count)
        return;
    const char *names[TM_MAX_TENSORS];
    for (size_t i = 0; i < c->definition->input_count; i++)
        names[i] = c->definition->tensors[i].name;
    tm_diag_error(c->reader->diag, tm_node_key_place(node),
                  tm_field_join(arena, "workload.inputs", node->key),
                  "expected an input of definition \"%s\" (%s), got %s\"%s\"; %s",
                  c->definition->name, tm_field_list(arena, names, c->definition->input_count),
                  index >= 0 ? "the output " : "", node->key,
                  index >= 0 ? "remove it"
                             : tm_field_hint(arena, node->key, names, c->definition->input_count,
                                             "remove it"));
}

static void read_inputs(context *c, const tm_node *node) {
    tm_node_reader *reader = c->reader;
    const tm_node *inputs = tm_node_need(reader, node, "workload", "inputs", TM_NODE_OBJECT);
    if (!inputs)
        return;
    for (size_t i = 0; i < c->definition->input_count; i++) {
        const tm_tensor *tensor = &c->definition->tensors[i];
        tm_input *input = &c->workload->inputs[i];
        const char *where = tm_field_join(reader->arena, "workload.inputs", tensor->name);
        const tm_node *given = tm_node_get(inputs, tensor->name);
        input->place = given ? given->place : inputs->place;
        if (given)
            read_input(c, given, where, tensor, input);
        else if (tensor->is_scalar)
            /* Also when `optional`: an argument passed by value cannot be absent. */
            tm_diag_error(reader->diag, inputs->place, where,
                          "expected {\"type\": \"scalar\", \"value\": ...} as the shape is null, "
                          "got nothing; give its value");
        else if (tensor->optional)
            input->kind = TM_INPUT_ABSENT;
    }
    for (const tm_node *input = inputs->child; input; input = input->next)
        check_surplus_input(c, input);
}

/* A row with a result is a trace, and in the wrong file. */
static void check_is_no_trace(tm_node_reader *reader, const tm_node *row, const char *key) {
    const tm_node *node = tm_node_get(row, key);
    if (node && node->type != TM_NODE_NULL)
        tm_diag_error(reader->diag, node->place, key,
                      "expected null in a workload row, got %s; results belong under traces/",
                      tm_node_describe(reader->arena, node));
}

const char *tm_workload_row_definition(tm_node_reader *reader, const tm_node *row) {
    const char *name = NULL;
    if (row->type != TM_NODE_OBJECT)
        tm_diag_error(reader->diag, row->place, NULL,
                      "expected a workload row, an object, got %s; see docs/FORMATS.md",
                      tm_node_describe(reader->arena, row));
    else
        tm_node_need_string(reader, row, "", "definition", &name);
    return name;
}

const tm_workload *tm_workload_parse(tm_node_reader *reader, const tm_node *row,
                                     const tm_definition *definition) {
    static const char *const row_keys[] = {"definition", "workload", "solution", "evaluation"};
    static const char *const keys[] = {"uuid", "axes", "inputs", "tracemill"};
    size_t errors_before = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    const tm_node *node = tm_node_need(reader, row, "", "workload", TM_NODE_OBJECT);
    check_is_no_trace(reader, row, "solution");
    check_is_no_trace(reader, row, "evaluation");
    tm_node_note_unknown(reader, row, "", row_keys, COUNT(row_keys));
    if (!node)
        return NULL;
    tm_workload *workload = tm_arena_alloc(reader->arena, sizeof *workload);
    context c = {reader, definition, workload};
    workload->definition = definition;
    workload->node = node;
    if (tm_node_need_string(reader, node, "workload", "uuid", &workload->uuid))
        tm_field_check_line(reader, tm_node_get(node, "uuid")->place, "workload.uuid",
                            workload->uuid);
    read_axes(&c, node);
    read_inputs(&c, node);
    tm_node_note_unknown(reader, node, "workload", keys, COUNT(keys));
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors_before ? workload : NULL;
}

bool tm_workload_bytes(const tm_workload *workload, size_t *bytes) {
    const tm_definition *definition = workload->definition;
    *bytes = 0;
    for (size_t i = 0; i < definition->input_count + definition->output_count; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        int64_t shape[TM_MAX_RANK], elems;
        size_t tensor_bytes;
        if (!tm_tensor_shape(tensor, workload->axes, shape, &elems) ||
            !tm_dtype_bytes(tensor->dtype, elems, &tensor_bytes) ||
            __builtin_add_overflow(*bytes, tensor_bytes, bytes))
            return false;
    }
    return true;
}
