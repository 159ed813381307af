/* test_definition: what a Definition may say, and each complaint about one that says otherwise. */
#include "tests/unit/model_check.h"

#include "lib/definition.h"

#define TEN "nnnnnnnnnn"
#define LONGEST TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "nnnnnnn"

#define GOOD                                                                              \
    "{'name': 'rmsnorm_h4096', 'op_type': 'rmsnorm', 'description': 'one row each',\n"    \
    " 'tags': ['stage:prefill'], 'constraints': ['batch_size > 0'],\n"                    \
    " 'axes': {'batch_size': {'type': 'var'},\n"                                          \
    "          'hidden_size': {'type': 'const', 'value': 4096}},\n"                       \
    " 'inputs': {\n"                                                                      \
    "  'hidden_states': {'shape': ['batch_size', 'hidden_size'], 'dtype': 'bfloat16'},\n" \
    "  'bias': {'shape': [], 'dtype': 'float16'},\n"                                      \
    "  'scale': {'shape': null, 'dtype': 'float32', 'description': 'by value'}},\n"       \
    " 'outputs': {\n"                                                                     \
    "  'output': {'shape': ['batch_size', 'hidden_size'], 'dtype': 'float32'}},\n"        \
    " 'reference': 'import torch\\ndef run(x):\\n    return x',\n"                        \
    " 'tracemill': {'constants': {'eps': 1e-5}}}"

static const tm_definition *parse(tm_node_reader *reader, const char *text) {
    const tm_definition *definition = tm_definition_parse(reader, model_parse(reader, text));
    assert_string_equal(model_messages(reader), "");
    assert_non_null(definition);
    return definition;
}

static void test_reads_all(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_definition *definition = parse(&reader, GOOD);
    assert_string_equal(definition->name, "rmsnorm_h4096");
    assert_string_equal(definition->op_type, "rmsnorm");
    assert_string_equal(definition->description, "one row each");
    assert_int_equal(definition->axis_count, 2);
    assert_false(definition->axes[0].is_const);
    assert_true(definition->axes[1].is_const);
    assert_int_equal(definition->axes[1].value, 4096);
    assert_int_equal(definition->input_count, 3);
    assert_int_equal(definition->output_count, 1);
    const tm_tensor *tensors = definition->tensors;
    assert_int_equal(tensors[0].rank, 2);
    assert_int_equal(tensors[0].axes[1], 1);
    assert_int_equal(tensors[0].dtype, TM_DTYPE_BFLOAT16);
    assert_int_equal(tensors[1].rank, 0);
    assert_false(tensors[1].is_scalar);
    assert_true(tensors[2].is_scalar);
    assert_string_equal(tensors[2].description, "by value");
    assert_string_equal(tensors[3].name, "output");
    assert_int_equal(definition->constant_count, 1);
    assert_string_equal(definition->constants[0].name, "eps");
    assert_true(definition->constants[0].value == 1e-5);
    assert_int_equal(tm_definition_axis(definition, "hidden_size"), 1);
    assert_int_equal(tm_definition_axis(definition, "output"), -1);
    assert_int_equal(tm_definition_tensor(definition, "output"), 3);
    assert_int_equal(tm_definition_tensor(definition, "hidden_size"), -1);
    model_end(&reader);
}

static bool is_good(tm_node_reader *reader, const tm_node *node) {
    return tm_definition_parse(reader, node) != NULL;
}

static void test_complaints(void **state) {
    (void)state;
    static const model_case cases[] = {
        /* top level */
        {"'name': 'rmsnorm_h4096', ", "",
         "1:1: error: name: expected a string, got nothing; add the key 'name' to this object\n"},
        {"'rmsnorm_h4096'", "''", "1:10: error: name: expected a non-empty string, got ''\n"},
        {"'op_type': 'rmsnorm'", "'op_type': 7",
         "1:38: error: op_type: expected a string, got 7; put it in quotes\n"},
        {"['stage:prefill']", "'stage:prefill'",
         "2:10: error: tags: expected an array, got 'stage:prefill'\n"},
        {"'description': 'one row each'", "'descripton': 'one row each'",
         "1:49: note: unknown key 'descripton' is kept but not used; did you mean "
         "'description'?\n"},
        {"{'constants': {'eps': 1e-5}}", "{'constant': {'eps': 1e-5}}",
         "12:16: error: tracemill: unknown key 'constant'; did you mean 'constants'?\n"},
        /* axes */
        {"'batch_size': {'type': 'var'}", "'batch_size': 'var'",
         "3:25: error: axes.batch_size: expected {'type': 'var'} or {'type': 'const', 'value': N}, "
         "got 'var'; write one of these\n"},
        {"{'type': 'var'}", "{'type': 'expr'}",
         "3:34: error: axes.batch_size.type: expected 'const' or 'var', got 'expr'; write one of "
         "the two\n"},
        {"{'type': 'var'}", "{'type': 'vars'}",
         "3:34: error: axes.batch_size.type: expected 'const' or 'var', got 'vars'; did you mean "
         "'var'?\n"},
        {"{'type': 'var'}", "{'type': 'var', 'value': 3}",
         "3:41: note: axes.batch_size: unknown key 'value' is kept but not used\n"},
        {"{'type': 'var'}", "{}",
         "3:25: error: axes.batch_size.type: expected a string, got nothing; add the key 'type' to "
         "this object\n"},
        {"'const', 'value': 4096", "'const'",
         "4:26: error: axes.hidden_size.value: expected an integer >= 0, got nothing; add the "
         "value or make its type 'var'\n"},
        {"4096}", "-1}",
         "4:53: error: axes.hidden_size.value: expected an integer >= 0, got -1; write its size in "
         "digits only\n"},
        {"4096}", "40.5}",
         "4:53: error: axes.hidden_size.value: expected an integer >= 0, got 40.5; write its size "
         "in digits only\n"},
        {"4096}", "'4096'}",
         "4:53: error: axes.hidden_size.value: expected an integer >= 0, got '4096'; write its "
         "size in digits only\n"},
        {"4096}", "true}",
         "4:53: error: axes.hidden_size.value: expected an integer >= 0, got true; write its size "
         "in digits only\n"},
        {"'axes': {'batch_size'", "'axes': {'2d': {'type': 'var'}, 'batch_size'",
         "3:11: error: axes.2d: expected a C identifier (letters, digits, _), got '2d'; rename "
         "it\n"},
        {"'axes': {'batch_size'", "'axes': {'int': {'type': 'var'}, 'batch_size'",
         "3:11: error: axes.int: expected a name that C and C++ leave free, got the keyword 'int'; "
         "rename it\n"},
        {"'axes': {'batch_size'",
         "'axes': {'HIDDEN_SIZE': {'type': 'const', 'value': 1}, 'batch_size'",
         "4:11: error: axes.hidden_size: expected a name that differs from 'HIDDEN_SIZE' in more "
         "than case, got 'hidden_size'; both become one macro, rename one\n"},
        {"'axes': {'batch_size'", "'axes': {'EPS': {'type': 'const', 'value': 1}, 'batch_size'",
         "12:30: error: tracemill.constants.eps: expected a name that differs from 'EPS' in more "
         "than case, got 'eps'; both become one macro, rename one\n"},
        /* tensors */
        {"'hidden_size'], 'dtype': 'bfloat16'", "'hiden_size'], 'dtype': 'bfloat16'",
         "6:45: error: inputs.hidden_states.shape[1]: expected the name of an axis (batch_size, "
         "hidden_size), got 'hiden_size'; did you mean 'hidden_size'?\n"},
        {"'hidden_size'], 'dtype': 'bfloat16'", "'k'], 'dtype': 'bfloat16'",
         "6:45: error: inputs.hidden_states.shape[1]: expected the name of an axis (batch_size, "
         "hidden_size), got 'k'; declare it under 'axes'\n"},
        {"'hidden_size'], 'dtype': 'bfloat16'", "4096], 'dtype': 'bfloat16'",
         "6:45: error: inputs.hidden_states.shape[1]: expected the name of an axis (batch_size, "
         "hidden_size), got 4096; declare it under 'axes'\n"},
        {"'shape': [], ", "'shape': 'batch_size', ",
         "7:21: error: inputs.bias.shape: expected a list of axis names or null, got 'batch_size'; "
         "write [] for a single element\n"},
        {"'shape': [], ", "",
         "7:11: error: inputs.bias.shape: expected a list of axis names or null, got nothing; "
         "write [] for a single element\n"},
        {"'shape': [], ",
         "'shape': ['batch_size', 'batch_size', 'batch_size', 'batch_size', 'batch_size', "
         "'batch_size', 'batch_size', 'batch_size', 'batch_size'], ",
         "7:21: error: inputs.bias.shape: expected at most 8 axes, got 9; merge some\n"},
        {"'bfloat16'", "'bfloat61'",
         "6:70: error: inputs.hidden_states.dtype: expected a dtype (float32, float16, bfloat16, "
         "float8_e4m3fn, float8_e5m2, float4_e2m1, int64, int32, int16, int8, bool), got "
         "'bfloat61'; did you mean 'bfloat16'?\n"},
        {"'bfloat16'", "'half'",
         "6:70: error: inputs.hidden_states.dtype: expected a dtype (float32, float16, bfloat16, "
         "float8_e4m3fn, float8_e5m2, float4_e2m1, int64, int32, int16, int8, bool), got 'half'; "
         "write one of these\n"},
        {"'bfloat16'", "16",
         "6:70: error: inputs.hidden_states.dtype: expected a string, got 16; put it in quotes\n"},
        {", 'dtype': 'bfloat16'", "",
         "6:20: error: inputs.hidden_states.dtype: expected a string, got nothing; add the key "
         "'dtype' to this object\n"},
        {"'bias'", "'class'",
         "7:3: error: inputs.class: expected a name that C and C++ leave free, got the keyword "
         "'class'; rename it\n"},
        {"'bias'", "'" LONGEST "'", ""},
        {"'bias'", "'" LONGEST "n'",
         "7:3: error: inputs." LONGEST "n: expected a name of at most 127 bytes, got 128; shorten "
         "it\n"},
        {"'bias'", "'x-y'",
         "7:3: error: inputs.x-y: expected a C identifier (letters, digits, _), got 'x-y'; rename "
         "it\n"},
        {"'bias'", "'stream'",
         "7:3: error: inputs.stream: expected a name other than 'axes' and 'stream', got 'stream'; "
         "the entry point has arguments of these names, rename the tensor\n"},
        {"'bias'", "'axes_'", ""},
        {"'bias': {'shape': [], 'dtype': 'float16'}", "'bias': null",
         "7:11: error: inputs.bias: expected {'shape': [...], 'dtype': '...'}, got null; write an "
         "object\n"},
        {"'output': {'shape'", "'scale': {'shape'",
         "10:3: error: outputs.scale: expected a name that no input has, got 'scale'; rename one "
         "of the two\n"},
        {"'dtype': 'float16'", "'dtype': 'float16', 'optional': true",
         "7:45: note: inputs.bias: unknown key 'optional' is kept but not used\n"},
        {"{'shape': ['batch_size', 'hidden_size'], 'dtype': 'float32'}",
         "{'shape': null, 'dtype': 'float32'}",
         "10:23: error: outputs.output.shape: expected a list of axis names, got null; a scalar is "
         "passed by value and cannot be written, use [] for a single element\n"},
        {"\n  'output': {'shape': ['batch_size', 'hidden_size'], 'dtype': 'float32'}", "",
         "9:13: error: outputs: expected at least one tensor, got none; without one there is "
         "nothing to compare\n"},
        /* reference */
        {"'import torch\\ndef run(x):\\n    return x'", "''",
         "11:15: error: reference: expected Python source with a top-level function 'run', got ''; "
         "write the operator down\n"},
        {"def run(x)", "def runs(x)",
         "11:15: error: reference: expected a line that starts with 'def run(', got source without "
         "one; name the reference's function 'run' and do not indent it\n"},
        {"def run(x)", "  def run(x)",
         "11:15: error: reference: expected a line that starts with 'def run(', got source without "
         "one; name the reference's function 'run' and do not indent it\n"},
        {"def run(x)", "async def run(x)",
         "11:15: error: reference: expected a line that starts with 'def run(', got source without "
         "one; name the reference's function 'run' and do not indent it\n"},
        {"def run(x):\\n    return x", "run == 3",
         "11:15: error: reference: expected a line that starts with 'def run(', got source without "
         "one; name the reference's function 'run' and do not indent it\n"},
        {"def run(x)", "def  run  (x)", ""},
        {"def run(x):\\n    return x", "run = torch.relu", ""},
        {"import torch\\ndef", "import torch\\r\\ndef", ""},
        /* constants */
        {"1e-5", "'1e-5'",
         "12:37: error: tracemill.constants.eps: expected a finite number, got '1e-5'; write its "
         "value\n"},
        {"'eps'", "'the eps'",
         "12:30: error: tracemill.constants.the eps: expected a C identifier (letters, digits, _), "
         "got 'the eps'; rename it\n"},
        {"{'eps': 1e-5}", "[1e-5]",
         "12:29: error: tracemill.constants: expected an object, got an array\n"},
        /* all at once */
        {"'const', 'value': 4096}},\n 'inputs': {\n  'hidden_states': {'shape': ['batch_size'",
         "'const'}},\n 'inputs': {\n  'hidden_states': {'shape': ['batchsize'",
         "4:26: error: axes.hidden_size.value: expected an integer >= 0, got nothing; add the "
         "value or make its type 'var'\n"
         "6:31: error: inputs.hidden_states.shape[0]: expected the name of an axis (batch_size, "
         "hidden_size), got 'batchsize'; did you mean 'batch_size'?\n"},
    };
    model_check_cases(GOOD, cases, sizeof cases / sizeof cases[0], is_good);
}

static void test_root_is_no_object(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    assert_null(tm_definition_parse(&reader, model_parse(&reader, "[1]")));
    assert_string_equal(model_messages(&reader), "1:1: error: expected a definition, an object, "
                                                 "got an array; see docs/FORMATS.md\n");
    model_end(&reader);
}

/* `count` members {"<prefix>0": value, ...}. */
static const char *members(tm_node_reader *reader, const char *prefix, int count,
                           const char *value) {
    const char *text = "";
    for (int i = 0; i < count; i++)
        text = tm_arena_format(reader->arena, "%s%s'%s%d': %s", text, i > 0 ? ", " : "", prefix, i,
                               value);
    return text;
}

static void check_limits(int axes, int tensors, int constants, const char *messages) {
    tm_node_reader reader = model_begin();
    const char *text = tm_arena_format(
        reader.arena,
        "{'name': 'n', 'op_type': 'o', 'reference': 'run = 1',\n'axes': {%s},\n'inputs': {%s},\n"
        "'outputs': {'y': {'shape': ['a0'], 'dtype': 'bool'}},\n'tracemill': {'constants': {%s}}}",
        members(&reader, "a", axes, "{'type': 'var'}"),
        members(&reader, "x", tensors, "{'shape': ['a0'], 'dtype': 'bool'}"),
        members(&reader, "c", constants, "1"));
    bool ok = is_good(&reader, model_parse(&reader, text));
    assert_string_equal(model_messages(&reader), messages);
    assert_int_equal(ok, messages[0] == '\0');
    model_end(&reader);
}

static void test_limits(void **state) {
    (void)state;
    check_limits(TM_MAX_AXES, TM_MAX_TENSORS - 1, TM_MAX_CONSTANTS, "");
    check_limits(TM_MAX_AXES + 1, 1, 0,
                 "2:768: error: axes: expected at most 32 axes, got 33; merge some\n");
    check_limits(1, TM_MAX_TENSORS, 0,
                 "4:13: error: outputs: expected at most 48 inputs and outputs together, got more; "
                 "merge some\n");
    check_limits(
        1, 1, TM_MAX_CONSTANTS + 1,
        "5:179: error: tracemill.constants: expected at most 16 constants, got 17; remove some\n");
}

static void test_signature(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const char *signature = tm_definition_signature(reader.arena, parse(&reader, GOOD));
    assert_string_equal(signature,
                        "batch_size,hidden_size;hidden_states:bfloat16[batch_size,hidden_size],"
                        "bias:float16[],scale:float32->output:float32[batch_size,hidden_size]");
    /* Values of const axes and constants come at run time: the same signature. */
    const char *other = model_replace(&reader, GOOD, "4096}", "128}");
    other = model_replace(&reader, other, "{'eps': 1e-5}", "{'epsilon': 1, 'k': 2}");
    assert_string_equal(tm_definition_signature(reader.arena, parse(&reader, other)), signature);
    other = model_replace(&reader, GOOD, "'shape': []", "'shape': null");
    assert_string_not_equal(tm_definition_signature(reader.arena, parse(&reader, other)),
                            signature);
    other = model_replace(&reader, GOOD, "'bias'", "'offset'");
    assert_string_not_equal(tm_definition_signature(reader.arena, parse(&reader, other)),
                            signature);
    model_end(&reader);
}

static void test_no_inputs(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_definition *definition =
        parse(&reader, "{'name': 'n', 'op_type': 'o', 'axes': {}, 'inputs': {}, 'reference': "
                       "'run = 1', 'outputs': {'y': {'shape': [], 'dtype': 'int8'}}}");
    assert_string_equal(tm_definition_signature(reader.arena, definition), ";->y:int8[]");
    model_end(&reader);
}

static void test_shape(void **state) {
    (void)state;
    const tm_tensor tensor = {.rank = 3, .axes = {2, 0, 2}};
    int64_t shape[TM_MAX_RANK], elems;
    assert_true(tm_tensor_shape(&tensor, (const int64_t[]){5, 7, 3}, shape, &elems));
    assert_int_equal(shape[0], 3);
    assert_int_equal(shape[1], 5);
    assert_int_equal(shape[2], 3);
    assert_int_equal(elems, 45);
    const int64_t huge = INT64_C(1) << 31;
    assert_true(tm_tensor_shape(&tensor, (const int64_t[]){1, 0, huge}, shape, &elems));
    assert_int_equal(elems, INT64_C(1) << 62);
    assert_false(tm_tensor_shape(&tensor, (const int64_t[]){2, 0, huge}, shape, &elems));
    assert_true(tm_tensor_shape(&tensor, (const int64_t[]){0, 0, INT64_MAX}, shape, &elems));
    assert_int_equal(elems, 0);
    assert_false(tm_tensor_shape(&tensor, (const int64_t[]){-1, 0, 1}, shape, &elems));
    const tm_tensor scalar = {.is_scalar = true};
    assert_true(tm_tensor_shape(&scalar, NULL, shape, &elems));
    assert_int_equal(elems, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_root_is_no_object),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_no_inputs),
        cmocka_unit_test(test_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
