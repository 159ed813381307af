/* emit_c: the C that tm-gen writes: contract headers and workload tables. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gen/emit.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/layout.h"
#include "lib/text.h"

static const tm_place command_line = {NULL, TM_WHOLE_FILE};

static bool write_text(const char *path, tm_text *text, tm_diag *diag) {
    bool good = tm_file_write(path, tm_text_get(text), text->length, NULL);
    if (!good)
        tm_diag_error(diag, command_line, NULL, "%s: cannot be written: %s", path, strerror(errno));
    tm_text_free(text);
    return good;
}

/* Text inside a C comment: no end of comment, no line break. */
static void add_comment(tm_text *out, const char *text) {
    for (; *text; text++)
        if (*text == '\n' || *text == '\r' || *text == '\t')
            tm_text_add(out, " ");
        else if (*text == '*' && text[1] == '/')
            tm_text_add(out, "* ");
        else
            tm_text_add_bytes(out, text, 1);
}

/* A C string literal, broken after about 90 bytes. */
static void add_literal(tm_text *out, const char *text) {
    tm_text_add(out, "\"");
    size_t column = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (column >= 90) {
            tm_text_add(out, "\"\n    \"");
            column = 0;
        }
        column++;
        if (c == '"' || c == '\\')
            tm_text_format(out, "\\%c", c);
        else if (c == '?' || c < 0x20 || c >= 0x7f) /* octal: three digits end by themselves */
            tm_text_format(out, "\\%03o", c);
        else
            tm_text_add_bytes(out, text, 1);
    }
    tm_text_add(out, "\"");
}

static void add_upper(tm_text *out, const char *name) {
    for (; *name; name++) {
        char c = (char)toupper((unsigned char)*name);
        tm_text_add_bytes(out, &c, 1);
    }
}

/* The C type that a scalar is passed as: floating ones as float, others as they are. */
static const char *scalar_type(tm_dtype dtype) {
    return tm_dtype_is_float(dtype) ? "float" : tm_dtype_name(dtype);
}

static void add_shape_names(tm_text *out, const tm_definition *definition,
                            const tm_tensor *tensor) {
    tm_text_add(out, "[");
    for (int i = 0; i < tensor->rank; i++)
        tm_text_format(out, "%s%s", i ? ", " : "", definition->axes[tensor->axes[i]].name);
    tm_text_add(out, "]");
}

static void add_parameters(tm_text *out, const tm_definition *definition) {
    size_t count = definition->input_count + definition->output_count;
    for (size_t i = 0; i < count; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        const char *constness = i < definition->input_count ? "const " : "";
        tm_text_add(out, "    ");
        if (tensor->is_scalar)
            tm_text_format(out, "tm_%s_t %s, /* scalar %s", tensor->name, tensor->name,
                           tm_dtype_name(tensor->dtype));
        else {
            tm_text_format(out, "%stm_%s *%s, /* ", constness, tm_dtype_name(tensor->dtype),
                           tensor->name);
            add_shape_names(out, definition, tensor);
        }
        if (tensor->optional)
            tm_text_add(out, ", NULL when absent");
        if (tensor->description) {
            tm_text_add(out, ": ");
            add_comment(out, tensor->description);
        }
        tm_text_add(out, " */\n");
    }
    tm_text_add(out, "    const tm_axes *axes, tm_stream stream");
}

/* tm_call: the same entry behind one signature for all definitions, for the worker. */
static void add_call(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    size_t count = definition->input_count + definition->output_count;
    tm_text_add(out, "#ifdef TM_DEFINE_CALL /* in one file of a solution: what the worker calls */\n"
                     "TM_SOLUTION int tm_call(void *const *tensors, const void *axes, "
                     "tm_stream stream) {\n"
                     "    return TM_ENTRY(");
    for (size_t i = 0; i < count; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        const char *constness = i < definition->input_count ? "const " : "";
        tm_text_add(out, i ? "\n                    " : "");
        if (tensor->is_scalar)
            tm_text_format(out, "*(const tm_%s_t *)tensors[%zu],", tensor->name, i);
        else
            tm_text_format(out, "(%stm_%s *)tensors[%zu],", constness,
                           tm_dtype_name(tensor->dtype), i);
    }
    tm_text_add(out, "\n                    (const tm_axes *)axes, stream);\n}\n"
                     "TM_SOLUTION const char *tm_signature(void) {\n    return ");
    add_literal(out, contract->signature);
    tm_text_add(out, ";\n}\n#endif\n");
}

static void add_axes(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    if (!contract->generic) {
        for (size_t i = 0; i < definition->axis_count; i++) {
            const tm_axis *axis = &definition->axes[i];
            if (!axis->is_const)
                continue;
            tm_text_add(out, "#define TM_");
            add_upper(out, axis->name);
            tm_text_format(out, " %" PRId64, axis->value);
            if (axis->description) {
                tm_text_add(out, " /* ");
                add_comment(out, axis->description);
                tm_text_add(out, " */");
            }
            tm_text_add(out, "\n");
        }
        for (size_t i = 0; i < contract->constant_count; i++) {
            tm_text_add(out, "#ifndef TM_");
            add_upper(out, contract->constants[i].name);
            tm_text_add(out, "\n#define TM_");
            add_upper(out, contract->constants[i].name);
            tm_text_format(out, " %.17g\n#endif\n", contract->constants[i].value);
        }
    } else
        tm_text_add(out, "#define TM_GENERIC 1 /* const axes and constants come at run time */\n");
    tm_text_add(out, "\ntypedef struct {\n");
    size_t members = 0;
    for (size_t i = 0; i < definition->axis_count; i++) {
        const tm_axis *axis = &definition->axes[i];
        if (axis->is_const && !contract->generic)
            continue;
        members++;
        tm_text_format(out, "    int64_t %s;", axis->name);
        if (axis->description && !contract->generic) {
            tm_text_add(out, " /* ");
            add_comment(out, axis->description);
            tm_text_add(out, " */");
        }
        tm_text_add(out, "\n");
    }
    for (size_t i = 0; contract->generic && i < contract->constant_count; i++, members++)
        tm_text_format(out, "    double %s;\n", contract->constants[i].name);
    if (members == 0)
        tm_text_add(out, "    int64_t none; /* this definition has no var axis */\n");
    tm_text_add(out, "} tm_axes;\n\n");
}

static void add_contract(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    if (contract->generic)
        tm_text_format(out, "/* Generated by tm-gen from the signature that %s shares; edit the "
                            "definitions.\n *\n * ",
                       definition->name);
    else
        tm_text_format(out, "/* Generated by tm-gen from the definition %s (%s); edit that.\n *\n * ",
                       definition->name, definition->op_type);
    if (definition->description && !contract->generic)
        add_comment(out, definition->description);
    tm_text_add(out, "\n * A solution defines TM_ENTRY exactly as declared below and returns 0, or\n"
                     " * tm_fail(code, \"message\"). Inputs first, then outputs, which it writes. */\n"
                     "#ifndef TM_CONTRACT_H\n#define TM_CONTRACT_H\n\n#include \"tracemill.h\"\n\n");
    add_axes(out, contract);
    size_t count = definition->input_count + definition->output_count;
    for (size_t i = 0; i < count; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        if (tensor->is_scalar)
            tm_text_format(out, "typedef %s%s tm_%s_t;\n",
                           tm_dtype_is_float(tensor->dtype) ? "" : "tm_",
                           scalar_type(tensor->dtype), tensor->name);
        else
            tm_text_format(out, "typedef tm_%s tm_%s_t;\n", tm_dtype_name(tensor->dtype),
                           tensor->name);
    }
    tm_text_add(out, "\nTM_SOLUTION int TM_ENTRY(\n");
    add_parameters(out, definition);
    tm_text_add(out, ");\n\n");
    add_call(out, contract);
    tm_text_add(out, "\n#endif\n");
}

bool tm_emit_contracts(const tm_plan *plan, tm_arena *arena, tm_diag *diag) {
    bool good = true;
    for (size_t i = 0; i < plan->contract_count; i++) {
        tm_text out = {0};
        add_contract(&out, plan->contracts[i]);
        const char *path = tm_file_join(arena, plan->contracts[i]->folder, "contract.h");
        good = write_text(path, &out, diag) && good;
    }
    return good;
}

static void add_tensor_row(tm_text *out, const tm_planned_definition *planned, size_t row,
                           size_t index) {
    static const char *const dtype_enums[TM_DTYPE_COUNT] = {
        "TM_DTYPE_FLOAT32",      "TM_DTYPE_FLOAT16",     "TM_DTYPE_BFLOAT16",
        "TM_DTYPE_FLOAT8_E4M3FN", "TM_DTYPE_FLOAT8_E5M2", "TM_DTYPE_FLOAT4_E2M1",
        "TM_DTYPE_INT64",        "TM_DTYPE_INT32",       "TM_DTYPE_INT16",
        "TM_DTYPE_INT8",         "TM_DTYPE_BOOL"};
    const tm_workload *workload = planned->workloads[row];
    const tm_definition *definition = planned->definition;
    const tm_tensor *tensor = &definition->tensors[index];
    int64_t shape[TM_MAX_RANK], elems;
    tm_tensor_shape(tensor, workload->axes, shape, &elems);
    tm_text_format(out, "    {.name = \"%s\", .dtype = %s, ", tensor->name,
                   dtype_enums[tensor->dtype]);
    if (tensor->is_scalar)
        tm_text_add(out, ".is_scalar = true, ");
    if (tensor->rank) {
        tm_text_format(out, ".rank = %d, .shape = {", tensor->rank);
        for (int i = 0; i < tensor->rank; i++)
            tm_text_format(out, "%s%" PRId64, i ? ", " : "", shape[i]);
        tm_text_add(out, "}, ");
    }
    if (index >= definition->input_count) {
        tm_text_add(out, ".fill = TM_FILL_OUTPUT},\n");
        return;
    }
    const tm_input *input = &workload->inputs[index];
    switch (input->kind) {
    case TM_INPUT_RANDOM:
        tm_text_add(out, ".fill = TM_FILL_RANDOM},\n");
        break;
    case TM_INPUT_ABSENT:
        tm_text_add(out, ".fill = TM_FILL_ABSENT},\n");
        break;
    case TM_INPUT_SCALAR:
        if (tm_dtype_is_float(tensor->dtype))
            tm_text_format(out, ".fill = TM_FILL_SCALAR, .number = %.17g},\n", input->number);
        else
            tm_text_format(out, ".fill = TM_FILL_SCALAR, .integer = INT64_C(%" PRId64 ")},\n",
                           input->integer);
        break;
    case TM_INPUT_SAFETENSORS:
        tm_text_format(out, ".fill = TM_FILL_BLOB,\n     .path = \"build/datasets/%zu/\"\n    ",
                       planned->workload_datasets[row]);
        add_literal(out, input->path);
        tm_text_add(out, ",\n     .tensor_key = ");
        add_literal(out, input->tensor_key);
        tm_text_add(out, "},\n");
        break;
    }
}

static char *workload_json(const tm_workload *workload) {
    tm_json *holder = tm_json_array();
    tm_json_push_node(holder, workload->node);
    char *text = tm_json_print(holder, false);
    tm_json_free(holder);
    size_t length = strlen(text); /* "[...]" without its brackets */
    memmove(text, text + 1, length);
    text[length - 2] = '\0';
    return text;
}

static void add_table(tm_text *out, const tm_planned_definition *planned, size_t row,
                      const char *signature) {
    const tm_definition *definition = planned->definition;
    const tm_workload *workload = planned->workloads[row];
    size_t count = definition->input_count + definition->output_count;
    tm_text_add(out, "/* Generated by tm-gen from workload ");
    add_comment(out, workload->uuid);
    tm_text_format(out, " of %s; edit its row. */\n#include \"harness/table.h\"\n\n",
                   definition->name);
    if (definition->axis_count)
        tm_text_add(out, "static const tm_table_axis axes[] = {\n");
    for (size_t i = 0; i < definition->axis_count; i++)
        tm_text_format(out, "    {\"%s\", %" PRId64 ", %s},\n", definition->axes[i].name,
                       workload->axes[i], definition->axes[i].is_const ? "true" : "false");
    tm_text_add(out, definition->axis_count ? "};\n\n" : "");
    tm_text_add(out, "static const tm_table_tensor tensors[] = {\n");
    for (size_t i = 0; i < count; i++)
        add_tensor_row(out, planned, row, i);
    tm_text_add(out, "};\n\nstatic const tm_table table = {\n    .definition = ");
    add_literal(out, definition->name);
    tm_text_add(out, ",\n    .op_type = ");
    add_literal(out, definition->op_type);
    tm_text_add(out, ",\n    .signature = ");
    add_literal(out, signature);
    tm_text_add(out, ",\n    .uuid = ");
    add_literal(out, workload->uuid);
    tm_text_add(out, ",\n    .workload = ");
    char *json = workload_json(workload);
    add_literal(out, json);
    free(json);
    tm_text_add(out, ",\n    .reference = ");
    add_literal(out, planned->reference->name);
    tm_text_format(out,
                   ",\n    .axes = %s,\n    .axis_count = %zu,\n    .tensors = tensors,\n"
                   "    .input_count = %zu,\n    .output_count = %zu,\n};\n\n"
                   "int main(int argc, char **argv) {\n"
                   "    return tm_judge_main(&table, argc, argv);\n}\n",
                   definition->axis_count ? "axes" : "NULL", definition->axis_count,
                   definition->input_count, definition->output_count);
}

static bool emit_config(const tm_planned_definition *planned, const tm_options *options,
                        tm_arena *arena, tm_diag *diag) {
    const tm_definition *definition = planned->definition;
    tm_config config =
        tm_config_resolve(options->config, definition->op_type, definition->name);
    tm_json *json = tm_config_to_json(&config);
    char *printed = tm_json_print(json, true);
    tm_text out = {0};
    tm_text_add(&out, printed);
    free(printed);
    tm_json_free(json);
    return write_text(tm_layout_gen(arena, definition->name, "config.json"), &out, diag);
}

bool tm_emit_tables(const tm_plan *plan, const tm_options *options, tm_arena *arena,
                    tm_diag *diag) {
    bool good = true;
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        if (!planned->reference)
            continue;
        good = emit_config(planned, options, arena, diag) && good;
        const char *signature = tm_definition_signature(arena, planned->definition);
        for (size_t row = 0; row < planned->workload_count; row++) {
            tm_text out = {0};
            add_table(&out, planned, row, signature);
            const char *file = tm_arena_format(arena, "%s.c", planned->workloads[row]->uuid);
            good = write_text(tm_layout_gen(arena, planned->definition->name, file), &out, diag) &&
                   good;
        }
    }
    return good;
}
