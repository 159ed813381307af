/* test_solution: what a Solution may say, its match rule, and each complaint about one that says
 * otherwise. */
#include "tests/unit/model_check.h"

#include "lib/solution.h"

#define GOOD                                                                                     \
    "{'name': 'rows_{definition}', 'definition': 'rmsnorm_h4096', 'author': 'baseline',\n"       \
    " 'description': 'one block per row',\n"                                                     \
    " 'sources': [{'path': 'rmsnorm.cu'}, {'path': './src//rows.cuh', 'content': '// rows'}],\n" \
    " 'spec': {'language': 'cuda', 'target_hardware': ['cuda'], 'entry_point': "                 \
    "'rmsnorm.cu::run',\n"                                                                       \
    "  'dependencies': ['cublas'], 'destination_passing_style': false, 'binding': 'torch'},\n"   \
    " 'tracemill': {'compile_flags': ['--use_fast_math'], 'link_flags': ['-lm'],\n"              \
    "  'definitions': ['rmsnorm_h*'], 'generic': true, 'arch_specific': true,\n"                 \
    "  'constants': {'rmsnorm_h4096': {'eps': 1e-5}, 'rmsnorm_h128': {'eps': 1e-6}},\n"          \
    "  'role': 'reference', 'binding': 'c',\n"                                                   \
    "  'match': {'op_type': 'rmsnorm',\n"                                                        \
    "   'inputs': ['hidden_states: bfloat16|float16[batch_size, hidden_size]',\n"                \
    "              'weight:bfloat16[ hidden_size ]', 'bias: float32[]', ' scale : float32 '],\n" \
    "   'outputs': ['output: bfloat16 [batch_size,hidden_size] ']}}}"

/* As flashinfer-bench writes one, without anything of ours. */
#define PLAIN                                                                          \
    "{'name': 'a', 'definition': 'd', 'author': 'x',\n"                                \
    " 'sources': [{'path': 'main.x', 'content': ''}],\n"                               \
    " 'spec': {'language': 'LANGUAGE', 'target_hardware': ['TARGET'], 'entry_point': " \
    "'main.x::run'}}"

static const tm_solution *parse(tm_node_reader *reader, const char *text) {
    const tm_solution *solution = tm_solution_parse(reader, model_parse(reader, text), "kernels/a");
    assert_string_equal(model_messages(reader), "");
    assert_non_null(solution);
    return solution;
}

static void test_reads_all(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_solution *solution = parse(&reader, GOOD);
    assert_string_equal(solution->name, "rows_{definition}");
    assert_string_equal(solution->definition, "rmsnorm_h4096");
    assert_string_equal(solution->author, "baseline");
    assert_string_equal(solution->description, "one block per row");
    assert_string_equal(solution->folder, "kernels/a");
    assert_int_equal(solution->language, TM_LANGUAGE_CUDA);
    assert_int_equal(solution->file_count, 2);
    assert_string_equal(solution->files[0].path, "rmsnorm.cu");
    assert_null(solution->files[0].content);
    assert_string_equal(solution->files[1].path, "src/rows.cuh");
    assert_string_equal(solution->files[1].content, "// rows");
    assert_string_equal(solution->entry_file, "rmsnorm.cu");
    assert_string_equal(solution->entry_symbol, "run");
    assert_false(solution->destination_passing);
    assert_int_equal(solution->binding, TM_BINDING_C);
    assert_int_equal(solution->compile_flag_count, 1);
    assert_string_equal(solution->compile_flags[0], "--use_fast_math");
    assert_int_equal(solution->link_flag_count, 1);
    assert_string_equal(solution->link_flags[0], "-lm");
    assert_int_equal(solution->definition_glob_count, 1);
    assert_true(solution->generic);
    assert_true(solution->arch_specific);
    assert_int_equal(solution->role, TM_ROLE_REFERENCE);
    assert_int_equal(solution->constants_count, 2);
    assert_true(tm_solution_constants(solution, "rmsnorm_h128")->constants[0].value == 1e-6);
    assert_null(tm_solution_constants(solution, "rmsnorm_h1"));
    model_end(&reader);
}

static void test_reads_overwrites(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const char *text =
        model_replace(&reader, GOOD, "'role': 'reference'", "'overwrites': ['weight', 'bias']");
    const tm_solution *solution = parse(&reader, text);
    assert_int_equal(solution->overwrite_count, 2);
    assert_string_equal(solution->overwrites[0], "weight");
    assert_string_equal(solution->overwrites[1], "bias");
    assert_int_equal(parse(&reader, GOOD)->overwrite_count, 0);
    model_end(&reader);
}

static const tm_solution *parse_plain(tm_node_reader *reader, const char *language,
                                      const char *target) {
    const char *text = model_replace(reader, PLAIN, "LANGUAGE", language);
    return parse(reader, model_replace(reader, text, "TARGET", target));
}

static void test_languages(void **state) {
    (void)state;
    static const struct {
        const char *name;
        tm_language language;
        tm_binding binding;
    } rows[] = {
        {"c", TM_LANGUAGE_C, TM_BINDING_C},
        {"cpp", TM_LANGUAGE_CPP, TM_BINDING_TVM_FFI},
        {"cuda", TM_LANGUAGE_CUDA, TM_BINDING_TVM_FFI},
        {"python", TM_LANGUAGE_PYTHON, TM_BINDING_TORCH},
        {"triton", TM_LANGUAGE_TRITON, TM_BINDING_TORCH},
        {"tilelang", TM_LANGUAGE_TILELANG, TM_BINDING_TORCH},
        {"mojo", TM_LANGUAGE_OTHER, TM_BINDING_TORCH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tm_node_reader reader = model_begin();
        const tm_solution *solution = parse_plain(&reader, rows[i].name, "cuda");
        assert_int_equal(solution->language, rows[i].language);
        assert_string_equal(solution->language_name, rows[i].name);
        assert_int_equal(solution->binding, rows[i].binding);
        assert_true(solution->destination_passing);
        assert_int_equal(solution->role, TM_ROLE_SOLUTION);
        assert_null(solution->match);
        assert_string_equal(solution->files[0].content, "");
        model_end(&reader);
    }
}

static void test_targets(void **state) {
    (void)state;
    static const struct {
        const char *targets;
        bool cpu, gpu;
    } rows[] = {
        {"cpu", true, false},        {"cuda", false, true},         {"NVIDIA H200", false, true},
        {"cuda', 'cpu", true, true}, {"B200', 'H100", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tm_node_reader reader = model_begin();
        const tm_solution *solution = parse_plain(&reader, "c", rows[i].targets);
        assert_int_equal(solution->runs_on_cpu, rows[i].cpu);
        assert_int_equal(solution->runs_on_gpu, rows[i].gpu);
        model_end(&reader);
    }
}

static bool is_good(tm_node_reader *reader, const tm_node *node) {
    return tm_solution_parse(reader, node, "kernels/a") != NULL;
}

static void test_complaints(void **state) {
    (void)state;
    static const model_case cases[] = {
        /* top level */
        {"'definition': 'rmsnorm_h4096', ", "",
         "1:1: error: definition: expected a string, got nothing; add the key 'definition' to this "
         "object\n"},
        {"'author'", "'autor'",
         "1:1: error: author: expected a string, got nothing; add the key 'author' to this object\n"
         "1:62: note: unknown key 'autor' is kept but not used; did you mean 'author'?\n"},
        {"rows_{definition}", "rows",
         "1:10: error: name: expected '{definition}' in the name of a family (it has "
         "tracemill.match), got 'rows'; write for example 'rows_{definition}'\n"},
        /* sources */
        {"[{'path': 'rmsnorm.cu'}, {'path': './src//rows.cuh', 'content': '// rows'}]", "[]",
         "3:13: error: sources: expected at least one source, got none; add {'path': '...'}\n"},
        {"'path': 'rmsnorm.cu'", "'path': '/rmsnorm.cu'",
         "3:23: error: sources[0].path: expected a path relative to the folder of solution.json "
         "without '..', got '/rmsnorm.cu'; keep the file inside and write its path from there\n"},
        {"'./src//rows.cuh'", "'../src/rows.cuh'",
         "3:47: error: sources[1].path: expected a path relative to the folder of solution.json "
         "without '..', got '../src/rows.cuh'; keep the file inside and write its path from "
         "there\n"},
        {"'./src//rows.cuh'", "'src/../rows.cuh'",
         "3:47: error: sources[1].path: expected a path relative to the folder of solution.json "
         "without '..', got 'src/../rows.cuh'; keep the file inside and write its path from "
         "there\n"},
        {"'./src//rows.cuh'", "'./'",
         "3:47: error: sources[1].path: expected a path relative to the folder of solution.json "
         "without '..', got './'; keep the file inside and write its path from there\n"},
        {"'./src//rows.cuh'", "'..rows/a..cuh'", ""},
        {"'./src//rows.cuh'", "'./rmsnorm.cu'",
         "3:47: error: sources[1].path: expected a path that no source before it has, got "
         "'./rmsnorm.cu'; rename one of the two\n"},
        {"'./src//rows.cuh'", "''",
         "3:47: error: sources[1].path: expected a non-empty string, got ''\n"},
        {"'content': '// rows'", "'content': 3",
         "3:77: error: sources[1].content: expected a string, got 3; put it in quotes\n"},
        {"'content': '// rows'", "'content': null", ""},
        {"'content': '// rows'", "'contents': '// rows'",
         "3:66: note: sources[1]: unknown key 'contents' is kept but not used; did you mean "
         "'content'?\n"},
        {"{'path': 'rmsnorm.cu'}", "'rmsnorm.cu'",
         "3:14: error: sources[0]: expected {'path': '...'} with or without 'content', got "
         "'rmsnorm.cu'; write an object\n"},
        /* spec */
        {"rmsnorm.cu::run", "rmsnorm.cu:run",
         "4:75: error: spec.entry_point: expected 'file::symbol' with exactly one '::', got "
         "'rmsnorm.cu:run'; write for example 'kernel.cu::run'\n"},
        {"rmsnorm.cu::run", "rmsnorm.cu::ns::run",
         "4:75: error: spec.entry_point: expected 'file::symbol' with exactly one '::', got "
         "'rmsnorm.cu::ns::run'; write for example 'kernel.cu::run'\n"},
        {"rmsnorm.cu::run", "rmsnorm.cu::",
         "4:75: error: spec.entry_point: expected 'file::symbol' with exactly one '::', got "
         "'rmsnorm.cu::'; write for example 'kernel.cu::run'\n"},
        {"rmsnorm.cu::run", "::run",
         "4:75: error: spec.entry_point: expected 'file::symbol' with exactly one '::', got "
         "'::run'; write for example 'kernel.cu::run'\n"},
        {"rmsnorm.cu::run", "rmsnorm.cc::run",
         "4:75: error: spec.entry_point: expected a file among the sources (rmsnorm.cu, "
         "src/rows.cuh), got 'rmsnorm.cc'; did you mean 'rmsnorm.cu'?\n"},
        {"rmsnorm.cu::run", "kernel.cu::run",
         "4:75: error: spec.entry_point: expected a file among the sources (rmsnorm.cu, "
         "src/rows.cuh), got 'kernel.cu'; name one of them or add it to 'sources'\n"},
        {"rmsnorm.cu::run", "rmsnorm.cu::run()",
         "4:75: error: spec.entry_point: expected a C identifier (letters, digits, _), got "
         "'run()'; rename it\n"},
        {"rmsnorm.cu::run", "./rmsnorm.cu::run", ""},
        {"'language': 'cuda', ", "",
         "4:10: error: spec.language: expected a string, got nothing; add the key 'language' to "
         "this object\n"},
        {"['cuda']", "[]",
         "4:50: error: spec.target_hardware: expected at least one name, got none; write ['cpu'], "
         "['cuda'] or both\n"},
        {"['cuda']", "['x86', 'H100', 'CPU']",
         "4:51: warning: spec.target_hardware: expected 'cpu', got 'x86', which counts as the name "
         "of a GPU; write 'cpu'\n"
         "4:66: warning: spec.target_hardware: expected 'cpu', got 'CPU', which counts as the name "
         "of a GPU; write 'cpu'\n"},
        {"'language': 'cuda'", "'language': 'C'",
         "4:23: warning: spec.language: expected 'c', got 'C', which is not served; write 'c'\n"},
        {"'language': 'cuda'", "'language': 'c++'",
         "4:23: warning: spec.language: expected 'cpp', got 'c++', which is not served; write "
         "'cpp'\n"},
        {"'language': 'cuda'", "'language': 'rust'", ""},
        {"['cuda']", "'cuda'",
         "4:50: error: spec.target_hardware: expected an array, got 'cuda'\n"},
        {"['cuda']", "['cuda', 9]",
         "4:59: error: spec.target_hardware[1]: expected a string, got 9; put it in quotes\n"},
        {"'torch'", "'pybind'",
         "5:78: error: spec.binding: expected 'tvm-ffi', 'torch' or null, got 'pybind'; write one "
         "of these\n"},
        {"'torch'", "'tvm_ffi'",
         "5:78: error: spec.binding: expected 'tvm-ffi', 'torch' or null, got 'tvm_ffi'; did you "
         "mean 'tvm-ffi'?\n"},
        {"'torch'},", "'c'},",
         "5:78: error: spec.binding: expected 'tvm-ffi', 'torch' or null, got 'c'; write 'c' as "
         "'binding' under 'tracemill', flashinfer-bench does not load it here\n"},
        {"'torch'},", "null},", ""},
        {"false", "'false'",
         "5:60: error: spec.destination_passing_style: expected true or false, got 'false'; remove "
         "the quotes\n"},
        {"'dependencies': ['cublas']", "'dependencies': 'cublas'",
         "5:19: error: spec.dependencies: expected an array, got 'cublas'\n"},
        {"'dependencies'", "'dependency'",
         "5:3: note: spec: unknown key 'dependency' is kept but not used; did you mean "
         "'dependencies'?\n"},
        /* tracemill */
        {"'compile_flags': ['--use_fast_math']", "'compile_flags': '--use_fast_math'",
         "6:33: error: tracemill.compile_flags: expected an array, got '--use_fast_math'\n"},
        {"'compile_flags'", "'compile_flag'",
         "6:16: error: tracemill: unknown key 'compile_flag'; did you mean 'compile_flags'?\n"},
        {"'link_flags': ['-lm']", "'libraries': ['-lm']",
         "6:54: error: tracemill: unknown key 'libraries'; the known ones are 'compile_flags', "
         "'link_flags', 'binding', 'definitions', 'constants', 'compile_time_axes', 'generic', "
         "'arch_specific', 'role', 'match', 'overwrites', 'variants'\n"},
        {"['-lm']", "['']",
         "6:69: error: tracemill.link_flags[0]: expected a non-empty string, got ''\n"},
        {"'generic': true", "'generic': 1",
         "7:45: error: tracemill.generic: expected true or false, got 1\n"},
        {"'reference', 'binding'", "'refernce', 'binding'",
         "9:11: error: tracemill.role: expected one of solution, reference, got 'refernce'; did "
         "you mean 'reference'?\n"},
        {"'binding': 'c'", "'binding': 'cffi'",
         "9:35: error: tracemill.binding: expected one of c, tvm-ffi, torch, got 'cffi'; write one "
         "of these\n"},
        {"'binding': 'c'", "'binding': 'tvmffi'",
         "9:35: error: tracemill.binding: expected one of c, tvm-ffi, torch, got 'tvmffi'; did you "
         "mean 'tvm-ffi'?\n"},
        {"'role': 'reference', 'binding'", "'overwrites': ['bias', 'weight'], 'binding'", ""},
        {"'role': 'reference', 'binding'", "'overwrites': 'bias', 'binding'",
         "9:17: error: tracemill.overwrites: expected an array, got 'bias'\n"},
        {"'role': 'reference', 'binding'", "'overwrites': ['bias', 'weight', 'bias'], 'binding'",
         "9:17: error: tracemill.overwrites: expected each input once, got 'bias' twice; remove "
         "one\n"},
        {"'role': 'reference', 'binding'", "'role': 'reference', 'overwrites': ['bias'], 'binding'",
         "9:24: error: tracemill.overwrites: expected no such key in a reference, got one; let it "
         "leave its inputs alone\n"},
        {"{'eps': 1e-6}", "1e-6",
         "8:65: error: tracemill.constants.rmsnorm_h128: expected an object of numbers such as "
         "{'eps': 1e-5}, got 1e-06; write one\n"},
        {"{'eps': 1e-6}", "{'eps': null}",
         "8:73: error: tracemill.constants.rmsnorm_h128.eps: expected a finite number, got null; "
         "write its value\n"},
        /* match */
        {"{'op_type': 'rmsnorm',", "{'op_types': 'rmsnorm',",
         "10:12: error: tracemill.match.op_type: expected a string, got nothing; add the key "
         "'op_type' to this object\n"
         "10:13: error: tracemill.match: unknown key 'op_types'; did you mean 'op_type'?\n"},
        {"'outputs': ['output: bfloat16 [batch_size,hidden_size] ']", "'outputs': 'output'",
         "13:15: error: tracemill.match.outputs: expected an array, got 'output'\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight'",
         "12:15: error: tracemill.match.inputs[1]: expected 'name: dtype|dtype[axis, axis]' (no "
         "brackets for a scalar), got 'weight'; write it in this form\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight[hidden_size]'",
         "12:15: error: tracemill.match.inputs[1]: expected 'name: dtype|dtype[axis, axis]' (no "
         "brackets for a scalar), got 'weight[hidden_size]'; write it in this form\n"},
        {"'weight:bfloat16[ hidden_size ]'", "7",
         "12:15: error: tracemill.match.inputs[1]: expected 'name: dtype|dtype[axis, axis]' (no "
         "brackets for a scalar), got 7; write it in this form\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bfloat16[hidden_size'",
         "12:15: error: tracemill.match.inputs[1]: expected 'name: dtype|dtype[axis, axis]' (no "
         "brackets for a scalar), got 'weight: bfloat16[hidden_size'; write it in this form\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bfloat16[hidden_size] x'",
         "12:15: error: tracemill.match.inputs[1]: expected 'name: dtype|dtype[axis, axis]' (no "
         "brackets for a scalar), got 'weight: bfloat16[hidden_size] x'; write it in this form\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bfloat16|[hidden_size]'",
         "12:15: error: tracemill.match.inputs[1]: expected 'name: dtype|dtype[axis, axis]' (no "
         "brackets for a scalar), got 'weight: bfloat16|[hidden_size]'; write it in this form\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bfloat61[hidden_size]'",
         "12:15: error: tracemill.match.inputs[1]: expected a dtype (float32, float16, bfloat16, "
         "float8_e4m3fn, float8_e5m2, float4_e2m1, int64, int32, int16, int8, bool), got "
         "'bfloat61'; did you mean 'bfloat16'?\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bfloat16[hidden_size, ]'",
         "12:15: error: tracemill.match.inputs[1]: expected a C identifier (letters, digits, _), "
         "got ''; rename it\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bfloat16[4096]'",
         "12:15: error: tracemill.match.inputs[1]: expected a C identifier (letters, digits, _), "
         "got '4096'; rename it\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'weight: bool[a, b, c, d, e, f, g, h, i]'",
         "12:15: error: tracemill.match.inputs[1]: expected at most 8 axes, got more; no "
         "definition has them\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'2w: bool'",
         "12:15: error: tracemill.match.inputs[1]: expected a C identifier (letters, digits, _), "
         "got '2w'; rename it\n"},
        {"'weight:bfloat16[ hidden_size ]'", "'hidden_states: bool'",
         "12:15: error: tracemill.match.inputs[1]: expected a name that no tensor before it has, "
         "got 'hidden_states'; rename one\n"},
    };
    model_check_cases(GOOD, cases, sizeof cases / sizeof cases[0], is_good);
}

/* A thousand sources are read, one more is refused before any is. */
static void test_many_sources(void **state) {
    (void)state;
    for (int count = 1000; count <= 1001; count++) {
        tm_node_reader reader = model_begin();
        tm_text text = {0};
        tm_text_add(&text, "{'name': 's', 'definition': 'd', 'author': 'a', 'spec': {'language': "
                           "'c', 'target_hardware': ['cpu'], 'entry_point': 'f0.c::run'},\n"
                           "'sources': [");
        for (int i = 0; i < count; i++)
            tm_text_format(&text, "%s{'path': 'f%d.c'}", i > 0 ? "," : "", i);
        tm_text_add(&text, "]}");
        const tm_node *node = model_parse(&reader, tm_text_get(&text));
        const tm_solution *solution = tm_solution_parse(&reader, node, "f");
        assert_string_equal(model_messages(&reader),
                            count == 1000 ? ""
                                          : "2:12: error: sources: expected at most 1000 sources, "
                                            "got 1001; merge some\n");
        assert_int_equal(solution != NULL, count == 1000);
        tm_text_free(&text);
        model_end(&reader);
    }
}

static void test_family_needs_placeholder(void **state) {
    (void)state;
    static const char text[] =
        "{'name': 'rows', 'definition': 'd', 'author': 'x', 'sources': [{'path': 'a.c'}],\n"
        " 'spec': {'language': 'c', 'target_hardware': ['cpu'], 'entry_point': 'a.c::run'},\n"
        " 'tracemill': {TRACEMILL}}";
    static const model_case cases[] = {
        {"TRACEMILL", "", ""},
        {"TRACEMILL", "'definitions': []", ""},
        {"TRACEMILL", "'definitions': ['d*']",
         "1:10: error: name: expected '{definition}' in the name of a family (it has "
         "tracemill.definitions), got 'rows'; write for example 'rows_{definition}'\n"},
        {"TRACEMILL", "'match': {'op_type': 'o', 'inputs': [], 'outputs': []}",
         "1:10: error: name: expected '{definition}' in the name of a family (it has "
         "tracemill.match), got 'rows'; write for example 'rows_{definition}'\n"},
    };
    model_check_cases(text, cases, sizeof cases / sizeof cases[0], is_good);
}

static void test_expand_name(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    assert_string_equal(tm_solution_expand_name(reader.arena, "rows_{definition}", "d1"),
                        "rows_d1");
    assert_string_equal(tm_solution_expand_name(reader.arena, "{definition}.{definition}!", "{d}"),
                        "{d}.{d}!");
    assert_string_equal(tm_solution_expand_name(reader.arena, "rows", "d1"), "rows");
    model_end(&reader);
}

#define RULED                                                                                  \
    "{'name': 'n', 'op_type': 'rmsnorm', 'reference': 'run = 1',\n"                            \
    " 'axes': {'batch_size': {'type': 'var'}, 'hidden_size': {'type': 'const', 'value': 8},\n" \
    "          'other': {'type': 'var'}},\n"                                                   \
    " 'inputs': {\n"                                                                           \
    "  'hidden_states': {'shape': ['batch_size', 'hidden_size'], 'dtype': 'bfloat16'},\n"      \
    "  'weight': {'shape': ['hidden_size'], 'dtype': 'bfloat16'},\n"                           \
    "  'bias': {'shape': [], 'dtype': 'float32'},\n"                                           \
    "  'scale': {'shape': null, 'dtype': 'float32'}},\n"                                       \
    " 'outputs': {'output': {'shape': ['batch_size', 'hidden_size'], 'dtype': 'bfloat16'}}}"

static void test_match_covers(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        bool covered;
    } rows[] = {
        {"'value': 8", "'value': 9", true},
        {"'hidden_size'], 'dtype': 'bfloat16'},\n  'weight'",
         "'hidden_size'], 'dtype': 'float16'},\n  'weight'", true},
        {"'hidden_size'], 'dtype': 'bfloat16'},\n  'weight'",
         "'hidden_size'], 'dtype': 'float32'},\n  'weight'", false},
        {"'op_type': 'rmsnorm'", "'op_type': 'layernorm'", false},
        {"'weight': {'shape': ['hidden_size'], 'dtype': 'bfloat16'}",
         "'weight': {'shape': ['hidden_size'], 'dtype': 'float16'}", false},
        {"'weight': {'shape': ['hidden_size']", "'weight': {'shape': ['other']", false},
        {"'weight': {'shape': ['hidden_size']", "'weight': {'shape': ['hidden_size', 'other']",
         false},
        {"'weight'", "'gain'", false},
        {"'shape': []", "'shape': null", false},
        {"'shape': null", "'shape': []", false},
        {"'bias': {'shape': [], 'dtype': 'float32'},\n", "", false},
        {"'outputs': {", "'outputs': {'lse': {'shape': [], 'dtype': 'float32'}, ", false},
        {"'outputs': {'output': {'shape': ['batch_size', 'hidden_size']",
         "'outputs': {'output': {'shape': ['hidden_size', 'batch_size']", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tm_node_reader reader = model_begin();
        const tm_match *match = parse(&reader, GOOD)->match;
        const char *text = model_replace(&reader, RULED, rows[i].from, rows[i].to);
        const tm_definition *definition = tm_definition_parse(&reader, model_parse(&reader, text));
        assert_string_equal(model_messages(&reader), "");
        if (tm_match_covers(match, definition) != rows[i].covered)
            fail_msg("%s => %s", rows[i].from, rows[i].to);
        model_end(&reader);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_reads_overwrites),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_many_sources),
        cmocka_unit_test(test_family_needs_placeholder),
        cmocka_unit_test(test_expand_name),
        cmocka_unit_test(test_match_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
