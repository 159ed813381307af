/* config: what holds for a definition, what a cell is given, and the whole text of each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/job.h"
#include "harness/judge.h"
#include "lib/config.h"
#include "lib/file.h"
#include "lib/yaml.h"

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
    tm_config_file *file;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    f->arena = tm_arena_create();
    f->diag = tm_diag_create(f->arena);
    f->file = tm_config_create(f->arena);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    tm_arena_destroy(f->arena);
    free(f);
    return 0;
}

static const tm_node *parse(fixture *f, const char *text) {
    tm_source *source = tm_arena_alloc(f->arena, sizeof *source);
    *source = (tm_source){"c.yaml", text, strlen(text)};
    const tm_node *root = tm_yaml_parse(f->arena, source, f->diag);
    assert_non_null(root);
    return root;
}

/* Compares all messages so far, and forgets them. */
static void expect_messages(fixture *f, const char *expected) {
    char *printed;
    size_t length;
    FILE *stream = open_memstream(&printed, &length);
    assert_non_null(stream);
    tm_diag_print(f->diag, TM_DIAG_NOTE, stream);
    fclose(stream);
    assert_string_equal(printed, expected);
    free(printed);
    f->diag = tm_diag_create(f->arena);
}

static void load(fixture *f, const char *text) {
    bool ok = tm_config_load(f->file, parse(f, text), f->diag);
    expect_messages(f, "");
    assert_true(ok);
}

static void expect_refusal(fixture *f, const char *text, const char *messages) {
    assert_false(tm_config_load(f->file, parse(f, text), f->diag));
    expect_messages(f, messages);
}

static void expect_cell(fixture *f, const char *op_type, const char *definition, const char *json) {
    tm_config config = tm_config_resolve(f->file, op_type, definition);
    tm_json *tree = tm_config_to_json(&config);
    char *text = tm_json_print(tree, false);
    assert_string_equal(text, json);
    free(text);
    tm_json_free(tree);
}

/* A number in `extra`, or `otherwise`. */
static double extra_number(const tm_config *config, const char *key, double otherwise) {
    for (size_t i = 0; i < config->extra_count; i++)
        if (strcmp(config->extra[i]->key, key) == 0 && config->extra[i]->type == TM_NODE_NUMBER)
            return config->extra[i]->number;
    return otherwise;
}

static void test_defaults(void **state) {
    fixture *f = *state;
    expect_cell(f, "gemm", "gemm_x",
                "{\"warmup_runs\":10,\"iterations\":50,\"num_trials\":3,\"rtol\":0.01,"
                "\"atol\":0.01,\"required_matched_ratio\":null,\"max_relative_l2\":null,\"timeout_"
                "seconds\":300,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{}}");
    expect_cell(f, "moe", "moe_x",
                "{\"warmup_runs\":10,\"iterations\":50,\"num_trials\":3,\"rtol\":0.01,"
                "\"atol\":0.01,\"required_matched_ratio\":0.95,\"max_relative_l2\":null,\"timeout_"
                "seconds\":300,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{}}");
    expect_cell(f, "sampling", "top_k_x",
                "{\"warmup_runs\":10,\"iterations\":50,\"num_trials\":3,\"rtol\":0.01,"
                "\"atol\":0.01,\"required_matched_ratio\":null,\"max_relative_l2\":null,\"timeout_"
                "seconds\":300,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{\"sampling_tvd_"
                "threshold\":0.2,"
                "\"sampling_validation_trials\":100}}");
    assert_null(tm_config_definitions(f->file));
    assert_null(tm_config_solutions(f->file));
}

static void test_file_replaces_bundled_but_not_built_in(void **state) {
    fixture *f = *state;
    load(f, "iterations: 7\n");
    assert_false(tm_config_resolve(f->file, "moe", "m").has_matched_ratio);
    assert_int_equal(tm_config_resolve(f->file, "sampling", "s").extra_count, 0);
    tm_config config = tm_config_resolve(f->file, "gemm", "g");
    assert_int_equal(config.iterations, 7);
    assert_int_equal(config.warmup_runs, 10);
    /* A second file replaces the first one. */
    load(f, "");
    assert_int_equal(tm_config_resolve(f->file, "gemm", "g").iterations, 50);
}

static void test_system_keys(void **state) {
    fixture *f = *state;
    load(f, "use_isolated_runner: true\nprofile_baseline: false\ntimeout_seconds: 2.5\n"
            "definitions: [a, b]\nsolutions: []\n");
    const char *const *definitions = tm_config_definitions(f->file);
    assert_non_null(definitions);
    assert_string_equal(definitions[0], "a");
    assert_string_equal(definitions[1], "b");
    assert_null(definitions[2]);
    assert_non_null(tm_config_solutions(f->file));
    assert_null(tm_config_solutions(f->file)[0]);
    tm_config config = tm_config_resolve(f->file, "gemm", "g");
    assert_false(config.profile_baseline);
    assert_true(config.timeout_seconds == 2.5);
    load(f, "definitions: null\nsolutions:\n");
    assert_null(tm_config_definitions(f->file));
    assert_null(tm_config_solutions(f->file));
}

static const char all_levels[] = "warmup_runs: 1\n"
                                 "iterations: 1\n"
                                 "num_trials: 1\n"
                                 "rtol: 1\n"
                                 "required_matched_ratio: 0.5\n"
                                 "op_type_config:\n"
                                 "  moe: {iterations: 2, num_trials: 2, rtol: 2}\n"
                                 "  gemm: {required_matched_ratio: 1}\n"
                                 "definition_config:\n"
                                 "  m: {num_trials: 3, rtol: 3, required_matched_ratio: null}\n"
                                 "  g: {iterations: 9}\n";

static void test_priority(void **state) {
    fixture *f = *state;
    load(f, all_levels);
    assert_true(tm_config_override(f->file, "rtol", "4", "--rtol", f->diag));
    expect_cell(f, "moe", "m",
                "{\"warmup_runs\":1,\"iterations\":2,\"num_trials\":3,\"rtol\":4,\"atol\":0.01,"
                "\"required_matched_ratio\":null,\"max_relative_l2\":null,\"timeout_seconds\":300,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{}}");
    expect_cell(f, "gemm", "g",
                "{\"warmup_runs\":1,\"iterations\":9,\"num_trials\":1,\"rtol\":4,\"atol\":0.01,"
                "\"required_matched_ratio\":1,\"max_relative_l2\":null,\"timeout_seconds\":300,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{}}");
    expect_cell(f, "rope", "r",
                "{\"warmup_runs\":1,\"iterations\":1,\"num_trials\":1,\"rtol\":4,\"atol\":0.01,"
                "\"required_matched_ratio\":0.5,\"max_relative_l2\":null,\"timeout_seconds\":300,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{}}");
}

static void test_command_line_outlives_a_file(void **state) {
    fixture *f = *state;
    assert_true(tm_config_override(f->file, "num_trials", "8", "--num-trials", f->diag));
    load(f, all_levels);
    assert_int_equal(tm_config_resolve(f->file, "moe", "m").num_trials, 8);
}

static void test_extra_merges_key_by_key(void **state) {
    fixture *f = *state;
    load(f, "extra: {d: 1, a: top, b: top}\n"
            "op_type_config:\n"
            "  moe: {extra: {c: [1, {x: 0.5}], b: op}}\n"
            "  gemm: {extra: }\n"
            "definition_config:\n"
            "  m: {extra: {b: def, e: null}}\n"
            "  z: {extra: {z: true}}\n");
    tm_config config = tm_config_resolve(f->file, "moe", "m");
    assert_int_equal(config.extra_count, 5);
    assert_true(extra_number(&config, "d", 9) == 1);
    assert_true(extra_number(&config, "a", 9) == 9);
    assert_true(extra_number(&config, "absent", 9) == 9);
    tm_json *json = tm_config_to_json(&config);
    char *text = tm_json_print(json, false);
    assert_non_null(strstr(text, "\"extra\":{\"a\":\"top\",\"b\":\"def\",\"c\":[1,{\"x\":0.5}],"
                                 "\"d\":1,\"e\":null}}"));
    free(text);
    tm_json_free(json);
    assert_int_equal(tm_config_resolve(f->file, "gemm", "g").extra_count, 3);
    assert_int_equal(tm_config_resolve(f->file, "gemm", "z").extra_count, 4);
    /* The file itself is as before. */
    assert_int_equal(tm_config_resolve(f->file, "rope", "r").extra_count, 3);
}

static void test_order_of_keys_does_not_matter(void **state) {
    fixture *f = *state;
    const char *json =
        "{\"warmup_runs\":10,\"iterations\":5,\"num_trials\":3,\"rtol\":0.01,"
        "\"atol\":0.25,\"required_matched_ratio\":null,\"max_relative_l2\":null,"
        "\"timeout_seconds\":300,"
        "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{\"a\":1,\"b\":2}}";
    load(f, "iterations: 5\natol: 0.25\nextra: {a: 1, b: 2}\n");
    expect_cell(f, "gemm", "g", json);
    load(f, "extra: {b: 2, a: 1}\natol: 0.25\niterations: 5\n");
    expect_cell(f, "gemm", "g", json);
}

static void test_null_sections(void **state) {
    fixture *f = *state;
    load(f, "op_type_config:\ndefinition_config:\n  g:\n  # iterations: 5\n");
    assert_int_equal(tm_config_resolve(f->file, "gemm", "g").iterations, 50);
}

static void test_wrong_types(void **state) {
    fixture *f = *state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"definition_config:\n  gemm_x:\n    iterations: ten\n",
         "c.yaml:3:17: error: definition_config.gemm_x.iterations: expected an integer, got "
         "\"ten\"; write a number such as 50\n        iterations: ten\n                    ^\n"},
        {"warmup_runs: 1.5\n", "c.yaml:1:14: error: warmup_runs: expected an integer, got 1.5; "
                               "write a number such as 10\n    warmup_runs: 1.5\n"
                               "                 ^\n"},
        {"num_trials: \"3\"\n", "c.yaml:1:13: error: num_trials: expected an integer, got \"3\"; "
                                "remove the quotes\n    num_trials: \"3\"\n                ^\n"},
        {"iterations:\n", "c.yaml:1:12: error: iterations: expected an integer, got null; write a "
                          "number such as 50\n    iterations:\n               ^\n"},
        {"rtol: true\n", "c.yaml:1:7: error: rtol: expected a number, got true; write a number "
                         "such as 0.01\n    rtol: true\n          ^\n"},
        {"required_matched_ratio: most\n",
         "c.yaml:1:25: error: required_matched_ratio: expected a number or null, got \"most\"; "
         "write a number such as 0.95\n    required_matched_ratio: most\n"
         "                            ^\n"},
        {"profile_baseline: yes\n", "c.yaml:1:19: error: profile_baseline: expected a bool, got "
                                    "\"yes\"; write true or false\n    profile_baseline: yes\n"
                                    "                      ^\n"},
        {"extra: 1\n", "c.yaml:1:8: error: extra: expected an object, got 1; write its members "
                       "indented below it\n    extra: 1\n           ^\n"},
        {"definitions: a\n", "c.yaml:1:14: error: definitions: expected an array, got \"a\"\n"
                             "    definitions: a\n                 ^\n"},
        {"solutions: [a, 1]\n", "c.yaml:1:16: error: solutions[1]: expected a string, got 1; put "
                                "it in quotes\n    solutions: [a, 1]\n                   ^\n"},
        {"op_type_config: moe\n",
         "c.yaml:1:17: error: op_type_config: expected an object, got \"moe\"; write each op_type "
         "indented below it, and its keys below that\n    op_type_config: moe\n"
         "                    ^\n"},
        {"definition_config: 1\n",
         "c.yaml:1:20: error: definition_config: expected an object, got 1; write each definition "
         "indented below it, and its keys below that\n    definition_config: 1\n"
         "                       ^\n"},
        {"op_type_config: {moe: 1}\n",
         "c.yaml:1:23: error: op_type_config.moe: expected an object, got 1; write lines such as "
         "\"iterations: 50\"\n    op_type_config: {moe: 1}\n                          ^\n"},
        {"- 1\n", "c.yaml:1:1: error: expected an object, got an array; write lines such as "
                  "\"iterations: 50\"\n    - 1\n    ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(f, cases[i].text, cases[i].messages);
}

static void test_ranges(void **state) {
    fixture *f = *state;
    static const struct {
        const char *key, *value, *shown, *expected, *advice;
    } cases[] = {
        {"warmup_runs", "-1", "-1", "an integer from 0 to 1000000", "10"},
        {"warmup_runs", "1000001", "1000001", "an integer from 0 to 1000000", "10"},
        {"iterations", "0", "0", "an integer from 1 to 100000", "50"},
        {"iterations", "100001", "100001", "an integer from 1 to 100000", "50"},
        {"num_trials", "0", "0", "an integer from 1 to 64", "3"},
        {"num_trials", "65", "65", "an integer from 1 to 64", "3"},
        {"rtol", "-0.5", "-0.5", "a finite number >= 0", "0.01"},
        {"rtol", ".nan", "nan", "a finite number >= 0", "0.01"},
        {"atol", ".inf", "inf", "a finite number >= 0", "0.01"},
        {"atol", "-1", "-1", "a finite number >= 0", "0.01"},
        {"required_matched_ratio", "0", "0", "a number > 0 and <= 1, or null", "0.95"},
        {"required_matched_ratio", "1.5", "1.5", "a number > 0 and <= 1, or null", "0.95"},
        {"required_matched_ratio", ".nan", "nan", "a number > 0 and <= 1, or null", "0.95"},
        {"max_relative_l2", "0", "0", "a number > 0, or null", "0.05"},
        {"max_relative_l2", ".inf", "inf", "a number > 0, or null", "0.05"},
        {"timeout_seconds", "0", "0", "a number > 0 and <= 1000000", "300"},
        {"timeout_seconds", "1000001", "1000001", "a number > 0 and <= 1000000", "300"},
        {"timeout_seconds", ".inf", "inf", "a number > 0 and <= 1000000", "300"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128], messages[512];
        snprintf(text, sizeof text, "%s: %s\n", cases[i].key, cases[i].value);
        int column = (int)strlen(cases[i].key) + 3;
        snprintf(messages, sizeof messages,
                 "c.yaml:1:%d: error: %s: expected %s, got %s; write a number such as %s\n"
                 "    %s    %*s^\n",
                 column, cases[i].key, cases[i].expected, cases[i].shown, cases[i].advice, text,
                 column - 1, "");
        expect_refusal(f, text, messages);
    }
    load(f, "warmup_runs: 0\niterations: 1\nnum_trials: 1\nrtol: 0\natol: 0\n"
            "required_matched_ratio: 1\ntimeout_seconds: 0.001\n");
    expect_cell(f, "gemm", "g",
                "{\"warmup_runs\":0,\"iterations\":1,\"num_trials\":1,\"rtol\":0,\"atol\":0,"
                "\"required_matched_ratio\":1,\"max_relative_l2\":null,\"timeout_seconds\":0.001,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{}}");
    load(f, "warmup_runs: 1000000\niterations: 100000\nnum_trials: 64\ntimeout_seconds: 1000000\n"
            "extra: {sampling_tvd_threshold: 1}\n");
    expect_cell(f, "gemm", "g",
                "{\"warmup_runs\":1000000,\"iterations\":100000,\"num_trials\":64,\"rtol\":0.01,"
                "\"atol\":0.01,\"required_matched_ratio\":null,\"max_relative_l2\":null,"
                "\"timeout_seconds\":1000000,"
                "\"profile_baseline\":true,\"use_isolated_runner\":false,\"extra\":{\"sampling_tvd_"
                "threshold\":1}}");
    /* What the harness holds room for; lib does not know it. */
    assert_int_equal(TM_JOB_MAX_SAMPLES, 100000);
    assert_int_equal(TM_ANSWERS_MAX_TRIALS, 64);
}

static void test_extra_values(void **state) {
    fixture *f = *state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"extra: {a: {b: [1, .inf]}}\n",
         "c.yaml:1:20: error: extra.a.b[1]: expected a finite number, got inf; write a number or "
         "a string\n    extra: {a: {b: [1, .inf]}}\n                       ^\n"},
        {"extra: {sampling_validation_trials: 0}\n",
         "c.yaml:1:37: error: extra.sampling_validation_trials: expected an integer >= 1, got 0; "
         "write a number such as 100\n    extra: {sampling_validation_trials: 0}\n"
         "                                        ^\n"},
        {"extra: {sampling_samples: 1.5}\n",
         "c.yaml:1:27: error: extra.sampling_samples: expected an integer, got 1.5; write a number "
         "such as 500000\n    extra: {sampling_samples: 1.5}\n                              ^\n"},
        {"extra: {sampling_seconds: 0}\n",
         "c.yaml:1:27: error: extra.sampling_seconds: expected a number > 0 and <= 1000000, got 0; "
         "write a number such as 20\n    extra: {sampling_seconds: 0}\n"
         "                              ^\n"},
        {"extra: {sampling_tvd_threshold: '0.2'}\n",
         "c.yaml:1:33: error: extra.sampling_tvd_threshold: expected a number, got \"0.2\"; remove "
         "the quotes\n    extra: {sampling_tvd_threshold: '0.2'}\n"
         "                                    ^\n"},
        {"extra: {sampling_tvd_threshold: 1.5}\n",
         "c.yaml:1:33: error: extra.sampling_tvd_threshold: expected a number > 0 and <= 1, got "
         "1.5; write a number such as 0.2\n    extra: {sampling_tvd_threshold: 1.5}\n"
         "                                    ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(f, cases[i].text, cases[i].messages);
}

/* A section can take the limit of the level above away again. */
static void test_max_relative_l2(void **state) {
    fixture *f = *state;
    load(f, "max_relative_l2: 0.25\nop_type_config:\n  moe: {max_relative_l2: null}\n");
    assert_true(tm_config_resolve(f->file, "gemm", "g").max_relative_l2 == 0.25);
    assert_true(tm_config_resolve(f->file, "moe", "m").max_relative_l2 == 0);
}

static void test_unknown_keys(void **state) {
    fixture *f = *state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"iteration: 5\n", "c.yaml:1:1: error: unknown key \"iteration\"; did you mean "
                           "\"iterations\"?\n    iteration: 5\n    ^\n"},
        {"colour: red\n",
         "c.yaml:1:1: error: unknown key \"colour\"; the known ones are \"warmup_runs\", "
         "\"iterations\", \"num_trials\", \"rtol\", \"atol\", \"required_matched_ratio\", "
         "\"max_relative_l2\", \"timeout_seconds\", \"profile_baseline\", \"use_isolated_runner\", "
         "\"extra\", "
         "\"definitions\", \"solutions\", \"op_type_config\", \"definition_config\"\n"
         "    colour: red\n    ^\n"},
        {"op_type_config:\n  moe:\n    r_tol: 1\n",
         "c.yaml:3:5: error: op_type_config.moe: unknown key \"r_tol\"; did you mean \"rtol\"?\n"
         "        r_tol: 1\n        ^\n"},
        {"definition_config:\n  g:\n    timeout_seconds: 5\n",
         "c.yaml:3:5: error: definition_config.g.timeout_seconds: expected this key at the top "
         "level only, got it here; move it there\n        timeout_seconds: 5\n        ^\n"},
        {"sampling_tvd_threshold: 0.1\n",
         "c.yaml:1:1: error: unknown key \"sampling_tvd_threshold\"; the known ones are "
         "\"warmup_runs\", \"iterations\", \"num_trials\", \"rtol\", \"atol\", "
         "\"required_matched_ratio\", \"max_relative_l2\", \"timeout_seconds\", "
         "\"profile_baseline\", \"use_isolated_runner\", "
         "\"extra\", \"definitions\", \"solutions\", \"op_type_config\", "
         "\"definition_config\"\n    sampling_tvd_threshold: 0.1\n    ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(f, cases[i].text, cases[i].messages);
}

static void test_all_errors_of_a_file(void **state) {
    fixture *f = *state;
    expect_refusal(f,
                   "rtol: x\niteration: 5\nop_type_config:\n  moe: {atol: -1}\n"
                   "definition_config:\n  g: 1\n",
                   "c.yaml:1:7: error: rtol: expected a number, got \"x\"; write a number such as "
                   "0.01\n    rtol: x\n          ^\n"
                   "c.yaml:2:1: error: unknown key \"iteration\"; did you mean \"iterations\"?\n"
                   "    iteration: 5\n    ^\n"
                   "c.yaml:4:15: error: op_type_config.moe.atol: expected a finite number >= 0, "
                   "got -1; write a number such as 0.01\n      moe: {atol: -1}\n"
                   "                  ^\n"
                   "c.yaml:6:6: error: definition_config.g: expected an object, got 1; write lines "
                   "such as \"iterations: 50\"\n      g: 1\n         ^\n");
}

static void test_override(void **state) {
    fixture *f = *state;
    static const char *const values[][3] = {
        {"warmup_runs", "0", "--warmup-runs"},
        {"iterations", "+20", "--iterations"},
        {"num_trials", "1", "--num-trials"},
        {"rtol", "1e-3", "--rtol"},
        {"atol", "0", "--atol"},
        {"required_matched_ratio", "null", "--required-matched-ratio"},
        {"timeout_seconds", ".5", "--timeout"},
        {"profile_baseline", "false", "--profile-baseline"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true(tm_config_override(f->file, values[i][0], values[i][1], values[i][2], f->diag));
    expect_messages(f, "");
    expect_cell(f, "moe", "m",
                "{\"warmup_runs\":0,\"iterations\":20,\"num_trials\":1,\"rtol\":0.001,\"atol\":0,"
                "\"required_matched_ratio\":null,\"max_relative_l2\":null,\"timeout_seconds\":0.5,"
                "\"profile_baseline\":false,\"use_isolated_runner\":false,\"extra\":{}}");
    assert_true(tm_config_override(f->file, "required_matched_ratio", "0.75",
                                   "--required-matched-ratio", f->diag));
    tm_config config = tm_config_resolve(f->file, "moe", "m");
    assert_true(config.has_matched_ratio);
    assert_true(config.required_matched_ratio == 0.75);
}

static void test_bad_overrides(void **state) {
    fixture *f = *state;
    static const struct {
        const char *key, *value, *option, *messages;
    } cases[] = {
        {"iterations", "ten", "--iterations",
         "tracemill: error: --iterations: expected an integer from 1 to 100000, got \"ten\"\n"},
        {"iterations", "0", "--iterations",
         "tracemill: error: --iterations: expected an integer from 1 to 100000, got \"0\"\n"},
        {"iterations", "1e2", "--iterations",
         "tracemill: error: --iterations: expected an integer from 1 to 100000, got \"1e2\"\n"},
        {"iterations", "9223372036854775808", "--iterations",
         "tracemill: error: --iterations: expected an integer from 1 to 100000, got "
         "\"9223372036854775808\"\n"},
        {"num_trials", "", "--num-trials",
         "tracemill: error: --num-trials: expected an integer from 1 to 64, got \"\"\n"},
        {"warmup_runs", " 1", "--warmup-runs",
         "tracemill: error: --warmup-runs: expected an integer from 0 to 1000000, got \" 1\"\n"},
        {"rtol", "inf", "--rtol",
         "tracemill: error: --rtol: expected a finite number >= 0, got \"inf\"\n"},
        {"rtol", "1e999", "--rtol",
         "tracemill: error: --rtol: expected a finite number >= 0, got \"1e999\"\n"},
        {"atol", "1e-2x", "--atol",
         "tracemill: error: --atol: expected a finite number >= 0, got \"1e-2x\"\n"},
        {"atol", "null", "--atol",
         "tracemill: error: --atol: expected a finite number >= 0, got \"null\"\n"},
        {"required_matched_ratio", "95%", "--required-matched-ratio",
         "tracemill: error: --required-matched-ratio: expected a number > 0 and <= 1, or null, got "
         "\"95%\"\n"},
        {"timeout_seconds", "0", "--timeout",
         "tracemill: error: --timeout: expected a number > 0 and <= 1000000, got \"0\"\n"},
        {"profile_baseline", "maybe", "--profile-baseline",
         "tracemill: error: --profile-baseline: expected true or false, got \"maybe\"\n"},
        {"extra", "1", "--extra",
         "tracemill: error: --extra: expected a configuration key, got \"extra\"\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(
            tm_config_override(f->file, cases[i].key, cases[i].value, cases[i].option, f->diag));
        expect_messages(f, cases[i].messages);
    }
    assert_int_equal(tm_config_resolve(f->file, "gemm", "g").iterations, 50);
}

static const tm_node *parse_json(fixture *f, const char *text) {
    tm_source *source = tm_arena_alloc(f->arena, sizeof *source);
    *source = (tm_source){"cell.json", text, strlen(text)};
    const tm_node *node = tm_json_parse_all(f->arena, source, f->diag);
    assert_non_null(node);
    return node;
}

static void test_cell_round_trip(void **state) {
    fixture *f = *state;
    load(f, "warmup_runs: 1\niterations: 99999\nnum_trials: 4\nrtol: 0.1\natol: 1e-300\n"
            "required_matched_ratio: 0.95\nmax_relative_l2: 1e-3\ntimeout_seconds: "
            "0.25\nprofile_baseline: false\n"
            "extra: {b: [1, {c: x}], a: null, big: 9007199254740993}\n");
    tm_config config = tm_config_resolve(f->file, "gemm", "g");
    tm_json *json = tm_config_to_json(&config);
    char *written = tm_json_print(json, true);
    tm_json_free(json);

    tm_node_reader reader = {f->arena, f->diag};
    tm_config back;
    assert_true(tm_config_from_node(&reader, parse_json(f, written), &back));
    expect_messages(f, "");
    assert_int_equal(back.warmup_runs, 1);
    assert_true(back.iterations == INT64_C(99999));
    assert_int_equal(back.num_trials, 4);
    assert_true(back.rtol == 0.1 && back.atol == 1e-300);
    assert_true(back.has_matched_ratio && back.required_matched_ratio == 0.95);
    assert_true(back.timeout_seconds == 0.25 && back.max_relative_l2 == 1e-3);
    assert_false(back.profile_baseline);
    assert_int_equal(back.extra_count, 3);
    assert_true(extra_number(&back, "big", 0) == 9007199254740993.0);

    json = tm_config_to_json(&back);
    char *again = tm_json_print(json, true);
    tm_json_free(json);
    assert_string_equal(again, written);
    free(written);
    free(again);
}

static void test_cell_is_read_strictly(void **state) {
    fixture *f = *state;
    tm_config config;
    tm_node_reader reader = {f->arena, f->diag};
    assert_true(tm_config_from_node(&reader, parse_json(f, "{\"iterations\":5}"), &config));
    assert_int_equal(config.iterations, 5);
    assert_int_equal(config.num_trials, 3);
    assert_false(config.has_matched_ratio);
    assert_true(config.profile_baseline);
    assert_int_equal(config.extra_count, 0);

    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"{\"iterations\":\"5\"}", "cell.json:1:15: error: iterations: expected an integer, got "
                                   "\"5\"; remove the quotes\n    {\"iterations\":\"5\"}\n"
                                   "                  ^\n"},
        {"{\"num_trials\":0}",
         "cell.json:1:15: error: num_trials: expected an integer from 1 to 64, got "
         "0; write a number such as 3\n    {\"num_trials\":0}\n"
         "                  ^\n"},
        {"{\"solutions\":null}",
         "cell.json:1:2: error: unknown key \"solutions\"; the known ones are \"warmup_runs\", "
         "\"iterations\", \"num_trials\", \"rtol\", \"atol\", \"required_matched_ratio\", "
         "\"max_relative_l2\", \"timeout_seconds\", \"profile_baseline\", \"use_isolated_runner\", "
         "\"extra\"\n    "
         "{\"solutions\":null}\n"
         "     ^\n"},
        {"null", "cell.json:1:1: error: expected an object, got null; write lines such as "
                 "\"iterations: 50\"\n    null\n    ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reader.diag = f->diag;
        assert_false(tm_config_from_node(&reader, parse_json(f, cases[i].text), &config));
        expect_messages(f, cases[i].messages);
    }
}

/* docs/config.example.yaml names every key with its default, so that loading it changes nothing. */
static void test_example_holds_the_defaults(void **state) {
    fixture *f = *state;
    const char *own_path = __FILE__; /* <root>/tests/unit/test_config.c */
    size_t root_length = strlen(own_path) - strlen("tests/unit/test_config.c");
    char *path =
        tm_arena_format(f->arena, "%.*sdocs/config.example.yaml", (int)root_length, own_path);
    const tm_source *source = tm_file_read(f->arena, path);
    if (source == NULL)
        fail_msg("cannot read %s", path);
    const tm_node *root = tm_yaml_parse(f->arena, source, f->diag);
    tm_config_file *example = tm_config_create(f->arena);
    bool ok = root != NULL && tm_config_load(example, root, f->diag);
    expect_messages(f, "");
    assert_true(ok);

    static const char *const every_key[] = {
        "warmup_runs",
        "iterations",
        "num_trials",
        "rtol",
        "atol",
        "extra",
        "definitions",
        "required_matched_ratio",
        "max_relative_l2",
        "timeout_seconds",
        "solutions",
        "op_type_config",
        "profile_baseline",
        "definition_config",
        "use_isolated_runner",
    };
    for (size_t i = 0; i < sizeof every_key / sizeof *every_key; i++)
        if (tm_node_get(root, every_key[i]) == NULL)
            fail_msg("%s does not show %s", path, every_key[i]);

    static const char *const op_types[] = {"gemm", "moe", "sampling"};
    for (size_t i = 0; i < sizeof op_types / sizeof *op_types; i++) {
        tm_config expected = tm_config_resolve(f->file, op_types[i], "any");
        tm_json *json = tm_config_to_json(&expected);
        char *text = tm_json_print(json, false);
        tm_json_free(json);
        fixture shown = {f->arena, f->diag, example};
        expect_cell(&shown, op_types[i], "any", text);
        free(text);
    }
    assert_null(tm_config_definitions(example));
    assert_null(tm_config_solutions(example));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_file_replaces_bundled_but_not_built_in),
        TEST(test_system_keys),
        TEST(test_priority),
        TEST(test_command_line_outlives_a_file),
        TEST(test_extra_merges_key_by_key),
        TEST(test_order_of_keys_does_not_matter),
        TEST(test_null_sections),
        TEST(test_wrong_types),
        TEST(test_ranges),
        TEST(test_extra_values),
        TEST(test_max_relative_l2),
        TEST(test_unknown_keys),
        TEST(test_all_errors_of_a_file),
        TEST(test_override),
        TEST(test_bad_overrides),
        TEST(test_cell_round_trip),
        TEST(test_cell_is_read_strictly),
        TEST(test_example_holds_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
