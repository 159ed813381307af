/* test_workload: what a workload row may say, each complaint about one that says otherwise, and
 * the public dataset where it is at hand. */
#include "tests/unit/model_check.h"

#include <unistd.h>

#include "lib/file.h"
#include "lib/workload.h"

#define DEFINITION                                                             \
    "{'name': 'attend', 'op_type': 'o', 'reference': 'run = 1',\n"             \
    " 'axes': {'k': {'type': 'const', 'value': 4}, 'rows': {'type': 'var'},\n" \
    "          'pages': {'type': 'var'}},\n"                                   \
    " 'inputs': {'x': {'shape': ['rows', 'k'], 'dtype': 'bfloat16'},\n"        \
    "  'table': {'shape': ['pages'], 'dtype': 'int32'},\n"                     \
    "  'zero_d': {'shape': [], 'dtype': 'float32'},\n"                         \
    "  'sm_scale': {'shape': null, 'dtype': 'float32'},\n"                     \
    "  'offset': {'shape': null, 'dtype': 'int8'},\n"                          \
    "  'wide': {'shape': null, 'dtype': 'int64'},\n"                           \
    "  'causal': {'shape': null, 'dtype': 'bool', 'optional': true}},\n"       \
    " 'outputs': {'y': {'shape': ['rows'], 'dtype': 'float4_e2m1'}}}"

#define GOOD                                                                                       \
    "{'definition': 'attend', 'workload': {'uuid': 'u-1', 'axes': {'pages': 0, 'rows': 3},\n"      \
    " 'inputs': {'x': {'type': 'random'},\n"                                                       \
    "  'table': {'type': 'safetensors', 'path': './blob/./t.safetensors', 'tensor_key': 'tab'},\n" \
    "  'sm_scale': {'type': 'scalar', 'value': 2},\n"                                              \
    "  'offset': {'type': 'scalar', 'value': -128},\n"                                             \
    "  'wide': {'type': 'scalar', 'value': 9007199254740993},\n"                                   \
    "  'causal': {'type': 'scalar', 'value': true}}},\n"                                           \
    " 'solution': null, 'evaluation': null}"

static const tm_definition *definition(tm_node_reader *reader) {
    tm_node_reader own = {reader->arena, tm_diag_create(reader->arena)};
    const tm_definition *found = tm_definition_parse(&own, model_parse(&own, DEFINITION));
    assert_non_null(found);
    return found;
}

static bool is_good(tm_node_reader *reader, const tm_node *node) {
    const char *name = tm_workload_row_definition(reader, node);
    const tm_workload *workload = tm_workload_parse(reader, node, definition(reader));
    return name != NULL && workload != NULL;
}

static void test_reads_all(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_node *row = model_parse(&reader, GOOD);
    assert_string_equal(tm_workload_row_definition(&reader, row), "attend");
    const tm_workload *workload = tm_workload_parse(&reader, row, definition(&reader));
    assert_string_equal(model_messages(&reader), "");
    assert_string_equal(workload->uuid, "u-1");
    assert_ptr_equal(workload->node, tm_node_get(row, "workload"));
    assert_int_equal(workload->axes[0], 4);
    assert_int_equal(workload->axes[1], 3);
    assert_int_equal(workload->axes[2], 0);
    const tm_input *inputs = workload->inputs;
    assert_int_equal(inputs[0].kind, TM_INPUT_RANDOM);
    assert_int_equal(inputs[1].kind, TM_INPUT_SAFETENSORS);
    assert_string_equal(inputs[1].path, "blob/t.safetensors");
    assert_string_equal(inputs[1].tensor_key, "tab");
    assert_int_equal(inputs[2].kind, TM_INPUT_RANDOM); /* not listed */
    assert_int_equal(inputs[3].kind, TM_INPUT_SCALAR);
    assert_true(inputs[3].number == 2.0);
    assert_int_equal(inputs[4].integer, -128);
    assert_true(inputs[5].integer == INT64_C(9007199254740993));
    assert_int_equal(inputs[6].integer, 1);
    /* x 24, table 0, zero_d 4, sm_scale 4, offset 1, wide 8, causal 1, y 1.5 rounded up */
    size_t bytes;
    assert_true(tm_workload_bytes(workload, &bytes));
    assert_int_equal(bytes, 44);
    model_end(&reader);
}

static void test_complaints(void **state) {
    (void)state;
    static const model_case cases[] = {
        /* row */
        {"'definition': 'attend', ", "",
         "1:1: error: definition: expected a string, got nothing; add the key 'definition' to this "
         "object\n"},
        {"'solution': null", "'solution': 'fast'",
         "8:14: error: solution: expected null in a workload row, got 'fast'; results belong under "
         "traces/\n"},
        {"'evaluation': null", "'evaluation': {}",
         "8:34: error: evaluation: expected null in a workload row, got an object; results belong "
         "under traces/\n"},
        {"'evaluation': null", "'evaluation': null, 'note': 1",
         "8:40: note: unknown key 'note' is kept but not used\n"},
        {", 'evaluation': null", "", ""},
        {"'uuid': 'u-1', ", "",
         "1:38: error: workload.uuid: expected a string, got nothing; add the key 'uuid' to this "
         "object\n"},
        {"'u-1'", "''", "1:47: error: workload.uuid: expected a non-empty string, got ''\n"},
        /* axes */
        {"'pages': 0, ", "",
         "1:62: error: workload.axes.pages: expected an integer >= 0, got nothing; add 'pages': "
         "N\n"},
        {"'pages': 0", "'pages': -1",
         "1:72: error: workload.axes.pages: expected an integer >= 0, got -1; write its size in "
         "digits only\n"},
        {"'pages': 0", "'pages': 1.5",
         "1:72: error: workload.axes.pages: expected an integer >= 0, got 1.5; write its size in "
         "digits only\n"},
        {"'pages': 0", "'pages': true",
         "1:72: error: workload.axes.pages: expected an integer >= 0, got true; write its size in "
         "digits only\n"},
        {"'pages': 0", "'pages': null",
         "1:72: error: workload.axes.pages: expected an integer >= 0, got null; write its size in "
         "digits only\n"},
        {"'pages': 0", "'pages': 0, 'k': 4",
         "1:75: error: workload.axes.k: expected only var axes (rows, pages), got the const axis "
         "'k'; remove it, definition 'attend' makes it 4\n"},
        {"'pages': 0", "'pages': 0, 'heads': 4",
         "1:75: error: workload.axes.heads: expected a var axis of definition 'attend' (rows, "
         "pages), got 'heads'; remove it\n"},
        {"'pages': 0", "'page': 0",
         "1:62: error: workload.axes.pages: expected an integer >= 0, got nothing; add 'pages': N\n"
         "1:63: error: workload.axes.page: expected a var axis of definition 'attend' (rows, "
         "pages), got 'page'; did you mean 'pages'?\n"},
        {"'rows': 3", "'rows': 4611686018427387904",
         "1:62: error: workload.axes: expected tensors whose bytes 64 bits can count, got larger "
         "ones; make an axis smaller\n"},
        {"'axes': {'pages': 0, 'rows': 3}", "'axes': [0, 3]",
         "1:62: error: workload.axes: expected an object, got an array\n"},
        /* inputs */
        {"'x': {'type': 'random'}", "'xx': {'type': 'random'}",
         "2:13: error: workload.inputs.xx: expected an input of definition 'attend' (x, table, "
         "zero_d, sm_scale, offset, wide, causal), got 'xx'; did you mean 'x'?\n"},
        {"'table'", "'tables'",
         "3:3: error: workload.inputs.tables: expected an input of definition 'attend' (x, table, "
         "zero_d, sm_scale, offset, wide, causal), got 'tables'; did you mean 'table'?\n"},
        {"'table'", "'y'",
         "3:3: error: workload.inputs.y: expected an input of definition 'attend' (x, table, "
         "zero_d, sm_scale, offset, wide, causal), got the output 'y'; remove it\n"},
        {"{'type': 'random'}", "{'type': 'randm'}",
         "2:27: error: workload.inputs.x.type: expected 'random', 'scalar' or 'safetensors', got "
         "'randm'; did you mean 'random'?\n"},
        {"{'type': 'random'}", "{'type': 'zeros'}",
         "2:27: error: workload.inputs.x.type: expected 'random', 'scalar' or 'safetensors', got "
         "'zeros'; write one of these\n"},
        {"{'type': 'random'}", "{'kind': 'random'}",
         "2:18: error: workload.inputs.x.type: expected a string, got nothing; add the key 'type' "
         "to this object\n"},
        {"{'type': 'random'}", "'random'",
         "2:18: error: workload.inputs.x: expected an object such as {'type': 'random'}, got "
         "'random'; write one\n"},
        {"{'type': 'random'}", "{'type': 'random', 'seed': 1}",
         "2:37: note: workload.inputs.x: unknown key 'seed' is kept but not used\n"},
        {"{'type': 'random'}", "{'type': 'scalar', 'value': 1}",
         "2:18: error: workload.inputs.x: expected type 'random' or 'safetensors' as it is a "
         "tensor, got type 'scalar'; use one of these, or make its shape null in the definition\n"},
        {"{'type': 'scalar', 'value': 2}", "2",
         "4:15: error: workload.inputs.sm_scale: expected an object such as {'type': 'scalar', "
         "'value': ...}, got 2; write one\n"},
        {"{'type': 'scalar', 'value': 2}", "{'type': 'random'}",
         "4:15: error: workload.inputs.sm_scale: expected {'type': 'scalar', 'value': ...} as the "
         "shape is null, got type 'random'; give its value\n"},
        {"{'type': 'scalar', 'value': 2}",
         "{'type': 'safetensors', 'path': 'a', 'tensor_key': 'b'}",
         "4:15: error: workload.inputs.sm_scale: expected {'type': 'scalar', 'value': ...} as the "
         "shape is null, got type 'safetensors'; give its value\n"},
        {"'sm_scale': {'type': 'scalar', 'value': 2},\n", "",
         "2:12: error: workload.inputs.sm_scale: expected {'type': 'scalar', 'value': ...} as the "
         "shape is null, got nothing; give its value\n"},
        {",\n  'causal': {'type': 'scalar', 'value': true}", "",
         "2:12: error: workload.inputs.causal: expected {'type': 'scalar', 'value': ...} as the "
         "shape is null, got nothing; give its value\n"},
        {"'value': 2", "'value': '2'",
         "4:43: error: workload.inputs.sm_scale.value: expected a finite number (dtype float32), "
         "got '2'; write a number\n"},
        {"'value': 2", "'value': 1e-3", ""},
        {"'value': 2", "'values': 2",
         "4:15: error: workload.inputs.sm_scale.value: expected a value of dtype float32, got "
         "nothing; add 'value'\n"
         "4:34: note: workload.inputs.sm_scale: unknown key 'values' is kept but not used; did you "
         "mean 'value'?\n"},
        {"'value': 2", "'value': false",
         "4:43: error: workload.inputs.sm_scale.value: expected a finite number (dtype float32), "
         "got false; write a number\n"},
        {"'value': -128", "'value': -129",
         "5:41: error: workload.inputs.offset.value: expected an integer from -128 to 127 (dtype "
         "int8), got -129; write one of these\n"},
        {"'value': -128", "'value': 1.5",
         "5:41: error: workload.inputs.offset.value: expected an integer from -128 to 127 (dtype "
         "int8), got 1.5; write one of these\n"},
        {"'value': -128", "'value': true",
         "5:41: error: workload.inputs.offset.value: expected an integer from -128 to 127 (dtype "
         "int8), got true; write one of these\n"},
        {"9007199254740993", "9223372036854775808",
         "6:39: error: workload.inputs.wide.value: expected an integer from -9223372036854775808 "
         "to 9223372036854775807 (dtype int64), got 9.223372036854776e+18; write one of these\n"},
        {"'value': true", "'value': 1",
         "7:41: error: workload.inputs.causal.value: expected true or false (dtype bool), got 1; "
         "write one of the two\n"},
        {"./blob/./t.safetensors", "/blob/t.safetensors",
         "3:44: error: workload.inputs.table.path: expected a path relative to the dataset's root "
         "without '..', got '/blob/t.safetensors'; keep the file inside and write its path from "
         "there\n"},
        {"./blob/./t.safetensors", "blob/../../t.safetensors",
         "3:44: error: workload.inputs.table.path: expected a path relative to the dataset's root "
         "without '..', got 'blob/../../t.safetensors'; keep the file inside and write its path "
         "from there\n"},
        {", 'tensor_key': 'tab'", "",
         "3:12: error: workload.inputs.table.tensor_key: expected a string, got nothing; add the "
         "key 'tensor_key' to this object\n"},
        {"'path': './blob/./t.safetensors', ", "",
         "3:12: error: workload.inputs.table.path: expected a string, got nothing; add the key "
         "'path' to this object\n"},
        {"'axes': {'pages': 0, 'rows': 3},\n 'inputs': {'x': {'type': 'random'}",
         "'axes': {'pages': -2, 'row': 3},\n 'inputs': {'x': {'type': 'rand'}",
         "1:62: error: workload.axes.rows: expected an integer >= 0, got nothing; add 'rows': N\n"
         "1:72: error: workload.axes.pages: expected an integer >= 0, got -2; write its size in "
         "digits only\n"
         "1:76: error: workload.axes.row: expected a var axis of definition 'attend' (rows, "
         "pages), got 'row'; did you mean 'rows'?\n"
         "2:27: error: workload.inputs.x.type: expected 'random', 'scalar' or 'safetensors', got "
         "'rand'; did you mean 'random'?\n"},
    };
    model_check_cases(GOOD, cases, sizeof cases / sizeof cases[0], is_good);
}

static void test_row_is_no_object(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    assert_null(tm_workload_row_definition(&reader, model_parse(&reader, "3")));
    assert_string_equal(model_messages(&reader), "1:1: error: expected a workload row, an object, "
                                                 "got 3; see docs/FORMATS.md\n");
    model_end(&reader);
}

#define PUBLIC "../shared/dataset"

static const tm_definition *read_public_definition(tm_node_reader *reader, const char *op_type,
                                                   const char *name) {
    const char *path =
        tm_arena_format(reader->arena, PUBLIC "/definitions/%s/%s.json", op_type, name);
    const tm_source *source = tm_file_read(reader->arena, path);
    assert_non_null(source);
    const tm_node *node = tm_json_parse_all(reader->arena, source, reader->diag);
    return node != NULL ? tm_definition_parse(reader, node) : NULL;
}

static size_t read_public_rows(tm_node_reader *reader, const char *op_type, const char *name) {
    const tm_definition *model = read_public_definition(reader, op_type, name);
    const char *path =
        tm_arena_format(reader->arena, PUBLIC "/workloads/%s/%s.jsonl", op_type, name);
    const tm_source *source = tm_file_read(reader->arena, path);
    size_t count = 0;
    for (size_t begin = 0; model != NULL && source != NULL && begin < source->length;) {
        size_t end = begin + strcspn(source->text + begin, "\n");
        const tm_node *row = tm_json_parse(reader->arena, source, begin, end, reader->diag);
        if (row != NULL && tm_workload_parse(reader, row, model) != NULL)
            count++;
        begin = end + 1;
    }
    return count;
}

/* Every definition and row of the public dataset is good; it is no part of the project. */
static void test_public_dataset(void **state) {
    (void)state;
    if (access(PUBLIC, R_OK) != 0) {
        print_message("SKIPPED: no public dataset at " PUBLIC "\n");
        skip();
    }
    size_t definitions = 0, rows = 0, folder_count;
    tm_node_reader reader = model_begin();
    const tm_file_entry *folders = tm_file_list(reader.arena, PUBLIC "/definitions", &folder_count);
    for (size_t i = 0; i < folder_count; i++) {
        size_t file_count;
        const char *folder =
            tm_arena_format(reader.arena, PUBLIC "/definitions/%s", folders[i].name);
        const tm_file_entry *files = tm_file_list(reader.arena, folder, &file_count);
        for (size_t j = 0; j < file_count; j++, definitions++) {
            const char *name =
                tm_arena_copy(reader.arena, files[j].name, strlen(files[j].name) - strlen(".json"));
            rows += read_public_rows(&reader, folders[i].name, name);
        }
    }
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(reader.diag, &entries);
    for (size_t i = 0; i < count; i++)
        if (entries[i].severity == TM_DIAG_ERROR)
            print_message("%s: %s\n", entries[i].path, entries[i].message);
    assert_int_equal(tm_diag_count(reader.diag, TM_DIAG_ERROR), 0);
    assert_int_equal(definitions, 102);
    assert_int_equal(rows, 683);
    model_end(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_row_is_no_object),
        cmocka_unit_test(test_public_dataset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
