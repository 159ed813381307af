/* emit_c: the C that tm-gen writes: contract headers and workload tables. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gen/emit.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/layout.h"
#include "lib/text.h"

static bool write_text(const char *path, tm_text *text, tm_diag *diag) {
    bool good = tm_emit_file(path, tm_text_get(text), text->length, diag);
    tm_text_free(text);
    return good;
}

#define LINE_COLUMNS 100

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

/* A paragraph in a block comment: words wrapped at the line's end, the next lines begin with
 * " * ". Assumes that the first line has begun, with `column` columns. */
static void add_paragraph(tm_text *out, const char *text, size_t column) {
    tm_text clean = {0};
    add_comment(&clean, text);
    const char *blank = "";
    for (const char *at = tm_text_get(&clean); *(at += strspn(at, " "));) {
        size_t length = strcspn(at, " ");
        if (*blank && column + 1 + length > LINE_COLUMNS) {
            tm_text_add(out, "\n *");
            column = strlen(" *");
            blank = " ";
        }
        tm_text_add(out, blank);
        tm_text_add_bytes(out, at, length);
        column += strlen(blank) + length;
        blank = " ";
        at += length;
    }
    tm_text_free(&clean);
}

/* Bytes of `text` up to the next place to break a literal: behind a comma or semicolon outside
 * square brackets, an arrow or a blank. */
static size_t unbroken(const char *text) {
    size_t length = 0;
    for (bool inside = false; text[length];) {
        char c = text[length++];
        inside = c == '[' || (inside && c != ']');
        if (!inside && (c == ',' || c == ';' || c == '>' || c == ' '))
            break;
    }
    return length;
}

/* Bytes of a C string literal. */
static void add_escaped(tm_text *out, const char *text, size_t length) {
    size_t plain = 0; /* where the bytes begin that stand for themselves */
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool quoted = c == '"' || c == '\\';
        bool octal = c == '?' || c < 0x20 || c >= 0x7f; /* three digits end by themselves */
        if (!quoted && !octal)
            continue;
        tm_text_add_bytes(out, text + plain, i - plain);
        if (octal)
            tm_text_format(out, "\\%03o", c);
        else
            tm_text_add(out, "\\");
        plain = octal ? i + 1 : i;
    }
    tm_text_add_bytes(out, text + plain, length - plain);
}

/* A blank and a C string literal behind `column` columns: in the line when it fits, else broken
 * between its parts into lines of their own, indented by eight. */
static void add_literal(tm_text *out, const char *text, size_t column) {
    const size_t indent = 8;
    tm_text line = {0};
    /* One byte more than a line has says enough of what is longer. */
    add_escaped(&line, text, strnlen(text, LINE_COLUMNS + 1));
    if (column + line.length + strlen(" \"\",") <= LINE_COLUMNS) {
        tm_text_format(out, " \"%s\"", tm_text_get(&line));
        tm_text_free(&line);
        return;
    }
    tm_text_clear(&line);
    while (*text) {
        size_t before = line.length;
        size_t part = unbroken(text);
        add_escaped(&line, text, part);
        text += part;
        if (before && indent + line.length + strlen("\"\",") > LINE_COLUMNS) {
            tm_text_format(out, "\n        \"%.*s\"", (int)before, tm_text_get(&line));
            memmove(line.data, line.data + before, line.length - before + 1);
            line.length -= before;
        }
    }
    tm_text_format(out, "\n        \"%s\"", tm_text_get(&line));
    tm_text_free(&line);
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

/* "const tm_bfloat16 *weight,": a scalar's type is a typedef, because float16 comes as float. */
static void add_parameter(tm_text *out, const tm_definition *definition, size_t index) {
    const tm_tensor *tensor = &definition->tensors[index];
    if (tensor->is_scalar)
        tm_text_format(out, "tm_%s_t %s,", tensor->name, tensor->name);
    else
        tm_text_format(out, "%stm_%s *%s,", index < definition->input_count ? "const " : "",
                       tm_dtype_name(tensor->dtype), tensor->name);
}

/* The entry's parameters, one per line, with their shapes in a column of comments. */
static void add_parameters(tm_text *out, const tm_definition *definition, int indent) {
    size_t count = definition->input_count + definition->output_count;
    size_t widest = 0;
    for (int measured = 0; measured < 2; measured++)
        for (size_t i = 0; i < count; i++) {
            tm_text one = {0};
            add_parameter(&one, definition, i);
            widest = one.length > widest ? one.length : widest;
            if (measured) {
                const tm_tensor *tensor = &definition->tensors[i];
                tm_text_format(out, "%-*s /* ", (int)widest, tm_text_get(&one));
                if (tensor->is_scalar)
                    tm_text_format(out, "scalar, %s", tm_dtype_name(tensor->dtype));
                else
                    add_shape_names(out, definition, tensor);
                tm_text_format(out, "%s */\n%*s", tensor->optional ? ", NULL when absent" : "",
                               indent, "");
            }
            tm_text_free(&one);
        }
    tm_text_add(out, "const tm_axes *axes, tm_stream stream");
}

/* What the tensors are, as the definition says; nothing when it does not, or when the contract
 * serves many definitions. */
static void add_descriptions(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    size_t count = definition->input_count + definition->output_count;
    const char *begin = "/* ";
    for (size_t i = 0; i < count && !contract->generic; i++) {
        const tm_tensor *tensor = &definition->tensors[i];
        if (!tensor->description)
            continue;
        tm_text_format(out, "%s%s: ", begin, tensor->name);
        add_paragraph(out, tensor->description, strlen(" * ") + strlen(tensor->name) + 2);
        begin = "\n * ";
    }
    tm_text_add(out, *begin == '\n' ? " */\n" : "");
}

/* tm_call: the same entry behind one signature for all definitions, for the worker. */
static void add_call(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    size_t count = definition->input_count + definition->output_count;
    tm_text_add(out,
                "#ifdef TM_DEFINE_CALL /* in one file of a solution: what the worker calls */\n"
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
            tm_text_format(out, "(%stm_%s *)tensors[%zu],", constness, tm_dtype_name(tensor->dtype),
                           i);
    }
    tm_text_add(out, "\n                    (const tm_axes *)axes, stream);\n}\n"
                     "TM_SOLUTION const char *tm_signature(void) {\n    return");
    add_literal(out, contract->signature, strlen("    return"));
    tm_text_add(out, ";\n}\n#endif\n");
}

/* Const axes and constants as macros. */
static void add_macros(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    if (contract->generic) {
        tm_text_add(out,
                    "#define TM_GENERIC 1 /* const axes and constants come at run time */\n\n");
        return;
    }
    size_t before = out->length;
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
        tm_text_add(out, "#define TM_");
        add_upper(out, contract->constants[i].name);
        tm_text_add(out, " ");
        tm_text_add_number(out, contract->constants[i].value);
        tm_text_add(out, "\n");
    }
    tm_text_add(out, out->length > before ? "\n" : "");
}

/* Var axes as a struct; of a generic contract all axes, then the constants. */
static void add_axes(tm_text *out, const tm_contract *contract) {
    const tm_definition *definition = contract->definition;
    tm_text_add(out, "typedef struct {\n");
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

/* Names that do not depend on the dtype, for a source that serves several. */
static void add_types(tm_text *out, const tm_definition *definition) {
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
    tm_text_add(out, "\n");
}

void tm_emit_contract(tm_text *out, const tm_contract *contract) {
    static const char entry[] = "TM_SOLUTION int TM_ENTRY(";
    const tm_definition *definition = contract->definition;
    if (contract->generic)
        tm_text_add(out, "/* Generated by tm-gen from the definitions with the signature that "
                         "stands at the end; edit those.\n");
    else
        tm_text_format(out, "/* Generated by tm-gen from the definition %s (%s); edit that.\n",
                       definition->name, definition->op_type);
    if (definition->description && !contract->generic) {
        tm_text_add(out, " *\n * ");
        add_paragraph(out, definition->description, strlen(" * "));
        tm_text_add(out, "\n");
    }
    tm_text_add(out,
                " *\n * A solution defines TM_ENTRY exactly as declared below and returns 0, or\n"
                " * tm_fail(code, \"message\"). Inputs first, then outputs, which it writes. */\n"
                "#ifndef TM_CONTRACT_H\n#define TM_CONTRACT_H\n\n#include \"tracemill.h\"\n\n");
    add_macros(out, contract);
    add_axes(out, contract);
    add_types(out, definition);
    add_descriptions(out, contract);
    tm_text_add(out, entry);
    add_parameters(out, definition, (int)strlen(entry));
    tm_text_add(out, ");\n\n");
    add_call(out, contract);
    tm_text_add(out, "\n#endif\n");
}

bool tm_emit_contracts(const tm_plan *plan, tm_arena *arena, tm_diag *diag) {
    bool good = true;
    for (size_t i = 0; i < plan->contract_count; i++) {
        tm_text out = {0};
        tm_emit_contract(&out, plan->contracts[i]);
        const char *path = tm_file_join(arena, plan->contracts[i]->folder, "contract.h");
        good = write_text(path, &out, diag) && good;
    }
    return good;
}

/* ",\n     .name = "..."", a string member after others. */
static void add_member(tm_text *out, const char *name, const char *value) {
    tm_text_format(out, ",\n     .%s =", name);
    add_literal(out, value, strlen("     . =") + strlen(name));
}

static void add_tensor_row(tm_text *out, const tm_planned_definition *planned, size_t row,
                           size_t index, tm_arena *arena) {
    static const char *const dtype_enums[TM_DTYPE_COUNT] = {
        "TM_DTYPE_FLOAT32",       "TM_DTYPE_FLOAT16",     "TM_DTYPE_BFLOAT16",
        "TM_DTYPE_FLOAT8_E4M3FN", "TM_DTYPE_FLOAT8_E5M2", "TM_DTYPE_FLOAT4_E2M1",
        "TM_DTYPE_INT64",         "TM_DTYPE_INT32",       "TM_DTYPE_INT16",
        "TM_DTYPE_INT8",          "TM_DTYPE_BOOL"};
    const tm_workload *workload = planned->rows[row].workload;
    const tm_definition *definition = planned->definition;
    const tm_tensor *tensor = &definition->tensors[index];
    int64_t shape[TM_MAX_RANK], elems;
    tm_tensor_shape(tensor, workload->axes, shape, &elems);
    tm_text_format(out, "    {.name = \"%s\",\n     .dtype = %s,\n     ", tensor->name,
                   dtype_enums[tensor->dtype]);
    if (tensor->is_scalar)
        tm_text_add(out, ".is_scalar = true,\n     ");
    if (tensor->rank) {
        tm_text_format(out, ".rank = %d, .shape = {", tensor->rank);
        for (int i = 0; i < tensor->rank; i++)
            tm_text_format(out, "%s%" PRId64, i ? ", " : "", shape[i]);
        tm_text_add(out, "},\n     ");
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
        if (tm_dtype_is_float(tensor->dtype)) {
            tm_text_add(out, ".fill = TM_FILL_SCALAR,\n     .number = ");
            tm_text_add_number(out, input->number);
            tm_text_add(out, "},\n");
        } else
            tm_text_format(out, ".fill = TM_FILL_SCALAR,\n     .integer = INT64_C(%" PRId64 ")},\n",
                           input->integer);
        break;
    case TM_INPUT_SAFETENSORS:
        tm_text_add(out, ".fill = TM_FILL_BLOB");
        add_member(
            out, "path",
            planned->rows[row].recipe
                ? tm_layout_blob(arena, definition->op_type, definition->name, workload->uuid)
                : tm_arena_format(arena, "build/datasets/%zu/%s", planned->rows[row].dataset,
                                  input->path));
        add_member(out, "tensor_key", planned->rows[row].recipe ? tensor->name : input->tensor_key);
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

static void add_table_member(tm_text *out, const char *name, const char *value) {
    tm_text_format(out, "    .%s =", name);
    add_literal(out, value, strlen("    . =") + strlen(name));
    tm_text_add(out, ",\n");
}

static void add_table(tm_text *out, const tm_planned_definition *planned, size_t row,
                      const char *signature, tm_arena *arena) {
    const tm_definition *definition = planned->definition;
    const tm_workload *workload = planned->rows[row].workload;
    size_t count = definition->input_count + definition->output_count;
    tm_text_format(out, "/* Generated by tm-gen from a workload of %s; edit its row:\n * ",
                   definition->name);
    add_comment(out, workload->uuid);
    tm_text_add(out, " */\n#include \"harness/table.h\"\n\n");
    if (definition->axis_count)
        tm_text_add(out, "static const tm_table_axis axes[] = {\n");
    for (size_t i = 0; i < definition->axis_count; i++)
        tm_text_format(out, "    {\"%s\", %" PRId64 ", %s},\n", definition->axes[i].name,
                       workload->axes[i],
                       definition->axes[i].is_const ? "true /* const */" : "false");
    tm_text_add(out, definition->axis_count ? "};\n\n" : "");
    tm_text_add(out, "static const tm_table_tensor tensors[] = {\n");
    for (size_t i = 0; i < count; i++)
        add_tensor_row(out, planned, row, i, arena);
    tm_text_add(out, "};\n\nstatic const tm_table table = {\n");
    add_table_member(out, "definition", definition->name);
    add_table_member(out, "op_type", definition->op_type);
    add_table_member(out, "signature", signature);
    add_table_member(out, "uuid", workload->uuid);
    char *json = workload_json(workload);
    add_table_member(out, "workload", json);
    free(json);
    add_table_member(out, "reference", planned->reference->name);
    if (planned->rows[row].synthesized)
        tm_text_add(out, "    .synthesized = true,\n");
    tm_text_format(out,
                   "    .axes = %s,\n    .axis_count = %zu,\n    .tensors = tensors,\n"
                   "    .input_count = %zu,\n    .output_count = %zu,\n};\n\n"
                   "int main(int argc, char **argv) {\n"
                   "    return tm_judge_main(&table, argc, argv);\n}\n",
                   definition->axis_count ? "axes" : "NULL", definition->axis_count,
                   definition->input_count, definition->output_count);
}

static bool emit_config(const tm_planned_definition *planned, const tm_options *options,
                        tm_arena *arena, tm_diag *diag) {
    const tm_definition *definition = planned->definition;
    tm_config config = tm_config_resolve(options->config, definition->op_type, definition->name);
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
        for (size_t row = 0; row < planned->row_count; row++) {
            tm_text out = {0};
            add_table(&out, planned, row, signature, arena);
            const char *file = tm_arena_format(arena, "%s.c", planned->rows[row].workload->uuid);
            good = write_text(tm_layout_gen(arena, planned->definition->name, file), &out, diag) &&
                   good;
        }
    }
    return good;
}
