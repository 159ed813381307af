#include "gen/recipe_file.h"

#include <string.h>

#include "lib/field.h"
#include "lib/json.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

tm_recipe *tm_recipe_of_row(tm_arena *arena, const tm_workload *workload,
                            tm_recipe_options options) {
    const tm_definition *definition = workload->definition;
    tm_recipe *recipe = tm_arena_alloc(arena, sizeof *recipe);
    recipe->definition = definition->name;
    recipe->op_type = definition->op_type;
    recipe->options = options;
    recipe->arena = arena;
    recipe->axis_count = definition->axis_count;
    for (size_t i = 0; i < definition->axis_count; i++) {
        recipe->axis_names[i] = definition->axes[i].name;
        recipe->axis_values[i] = workload->axes[i];
    }
    recipe->tensors = tm_arena_array(arena, definition->input_count, sizeof *recipe->tensors);
    for (size_t i = 0; i < definition->input_count; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        if (tensor->is_scalar)
            continue;
        tm_recipe_tensor *out = &recipe->tensors[recipe->tensor_count++];
        out->name = tensor->name;
        out->dtype = tensor->dtype;
        out->rank = tensor->rank;
        out->made = workload->inputs[i].kind == TM_INPUT_SAFETENSORS;
        tm_tensor_shape(tensor, workload->axes, out->shape, &out->elems); /* fits: it was parsed */
        for (int d = 0; d < tensor->rank; d++)
            out->axes[d] = definition->axes[tensor->axes[d]].name;
    }
    return recipe;
}

static tm_json *tensor_json(const tm_recipe_tensor *tensor) {
    tm_json *json = tm_json_object(), *shape = tm_json_array();
    for (int d = 0; d < tensor->rank; d++)
        tm_json_push_string(shape, tensor->axes[d]);
    tm_json_set(json, "shape", shape);
    tm_json_set_string(json, "dtype", tm_dtype_name(tensor->dtype));
    return json;
}

char *tm_recipe_print(const tm_recipe *recipe) {
    tm_json *root = tm_json_object(), *axes = tm_json_object(), *inputs = tm_json_object();
    tm_json *make = tm_json_array(), *options = tm_json_object();
    for (size_t i = 0; i < recipe->axis_count; i++)
        tm_json_set_int(axes, recipe->axis_names[i], recipe->axis_values[i]);
    for (size_t i = 0; i < recipe->tensor_count; i++) {
        tm_json_set(inputs, recipe->tensors[i].name, tensor_json(&recipe->tensors[i]));
        if (recipe->tensors[i].made)
            tm_json_push_string(make, recipe->tensors[i].name);
    }
    tm_json_set_int(options, "seed", recipe->options.seed);
    tm_json_set_number(options, "skew", recipe->options.skew);
    if (recipe->options.padding > 0)
        tm_json_set_int(options, "padding", recipe->options.padding);
    if (recipe->options.rope_theta != TM_RECIPE_ROPE_THETA)
        tm_json_set_number(options, "rope_theta", recipe->options.rope_theta);
    tm_json_set_string(root, "definition", recipe->definition);
    tm_json_set_string(root, "op_type", recipe->op_type);
    tm_json_set(root, "axes", axes);
    tm_json_set(root, "inputs", inputs);
    tm_json_set(root, "make", make);
    tm_json_set(root, "recipe", options);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}

static void read_axes(tm_node_reader *reader, const tm_node *axes, tm_recipe *recipe) {
    for (const tm_node *axis = axes->child; axis; axis = axis->next) {
        const char *where = tm_field_join(reader->arena, "axes", axis->key);
        if (recipe->axis_count == TM_MAX_AXES)
            tm_diag_error(reader->diag, axis->place, where, "expected at most %d axes, got more",
                          TM_MAX_AXES);
        else if (axis->type != TM_NODE_NUMBER || !axis->is_integer || axis->integer < 0)
            tm_diag_error(reader->diag, axis->place, where, "expected an integer >= 0, got %s",
                          tm_node_describe(reader->arena, axis));
        else {
            recipe->axis_names[recipe->axis_count] = axis->key;
            recipe->axis_values[recipe->axis_count++] = axis->integer;
            continue;
        }
        return;
    }
}

static void read_dtype(tm_node_reader *reader, const tm_node *node, const char *where,
                       tm_recipe_tensor *tensor) {
    const char *dtype = NULL;
    if (tm_node_need_string(reader, node, where, "dtype", &dtype) &&
        !tm_dtype_parse(dtype, &tensor->dtype))
        tm_diag_error(reader->diag, tm_node_get(node, "dtype")->place,
                      tm_field_join(reader->arena, where, "dtype"),
                      "expected a dtype, got \"%s\"; %s", dtype,
                      tm_field_hint(reader->arena, dtype, tm_dtype_names(), TM_DTYPE_COUNT,
                                    "see docs/FORMATS.md"));
}

/* Shape, size and dtype of one input. */
static void read_tensor(tm_node_reader *reader, const tm_node *node, const tm_recipe *recipe,
                        tm_recipe_tensor *tensor) {
    const char *where = tm_field_join(reader->arena, "inputs", node->key);
    const char *const *axes = NULL;
    size_t rank = 0, bytes;
    tensor->name = node->key;
    read_dtype(reader, node, where, tensor);
    if (!tm_node_may_strings(reader, node, where, "shape", &axes, &rank))
        return;
    if (rank > TM_MAX_RANK) {
        tm_diag_error(reader->diag, node->place, where, "expected at most %d dimensions, got %zu",
                      TM_MAX_RANK, rank);
        return;
    }
    tensor->elems = 1;
    tensor->rank = (int)rank;
    bool fits = true;
    for (size_t d = 0; d < rank; d++) {
        tensor->axes[d] = axes[d];
        tensor->shape[d] = tm_recipe_axis(recipe, axes[d], -1);
        if (tensor->shape[d] < 0)
            tm_diag_error(reader->diag, node->place, where,
                          "expected axes that \"axes\" has, got \"%s\"", axes[d]);
        else
            fits = fits && !__builtin_mul_overflow(tensor->elems, tensor->shape[d], &tensor->elems);
    }
    if (!fits || !tm_dtype_bytes(tensor->dtype, tensor->elems, &bytes))
        tm_diag_error(reader->diag, node->place, where,
                      "expected a size that 64 bits can count, got a larger one");
}

static void read_make(tm_node_reader *reader, const tm_node *root, tm_recipe *recipe) {
    const char *const *make = NULL;
    size_t count = 0;
    if (!tm_node_may_strings(reader, root, "", "make", &make, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        tm_recipe_tensor *found = NULL;
        for (size_t t = 0; t < recipe->tensor_count; t++)
            if (strcmp(recipe->tensors[t].name, make[i]) == 0)
                found = &recipe->tensors[t];
        if (found)
            found->made = true;
        else
            tm_diag_error(reader->diag, tm_node_get(root, "make")->place, "make",
                          "expected names that \"inputs\" has, got \"%s\"", make[i]);
    }
}

tm_recipe *tm_recipe_read(tm_node_reader *reader, const tm_node *root) {
    static const char *const keys[] = {"definition", "op_type", "axes", "inputs", "make", "recipe"};
    size_t errors = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    if (root->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, root->place, NULL, "expected a recipe, an object, got %s",
                      tm_node_describe(reader->arena, root));
        return NULL;
    }
    tm_recipe *recipe = tm_arena_alloc(reader->arena, sizeof *recipe);
    recipe->arena = reader->arena;
    recipe->options = tm_recipe_defaults("");
    tm_node_only(reader, root, "", keys, COUNT(keys));
    tm_node_need_string(reader, root, "", "definition", &recipe->definition);
    tm_node_need_string(reader, root, "", "op_type", &recipe->op_type);
    const tm_node *axes = tm_node_need(reader, root, "", "axes", TM_NODE_OBJECT);
    const tm_node *inputs = tm_node_need(reader, root, "", "inputs", TM_NODE_OBJECT);
    const tm_node *options = tm_node_get(root, "recipe");
    if (axes)
        read_axes(reader, axes, recipe);
    if (inputs && inputs->count > TM_MAX_TENSORS)
        tm_diag_error(reader->diag, inputs->place, "inputs", "expected at most %d, got %zu",
                      TM_MAX_TENSORS, inputs->count);
    else if (inputs && axes) {
        recipe->tensors = tm_arena_array(reader->arena, inputs->count, sizeof *recipe->tensors);
        for (const tm_node *input = inputs->child; input; input = input->next)
            read_tensor(reader, input, recipe, &recipe->tensors[recipe->tensor_count++]);
    }
    read_make(reader, root, recipe);
    if (options)
        tm_recipe_parse_options(reader, options, "recipe", &recipe->options);
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors ? recipe : NULL;
}
