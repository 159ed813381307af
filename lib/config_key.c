#include "lib/config_key.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

/* "expected ..." for a value of a wrong type, per kind. */
static const char *const kind_names[] = {
    "an integer", "a number", "a number or null", "a number or null",
    "a bool",     "an array", "an object",        "an object",
};

/* What `offset` points at, per kind. */
static const size_t slot_bytes[] = {
    [TM_CONFIG_KIND_INTEGER] = sizeof(int64_t),
    [TM_CONFIG_KIND_NUMBER] = sizeof(double),
    [TM_CONFIG_KIND_RATIO] = sizeof(double),
    [TM_CONFIG_KIND_LIMIT] = sizeof(double),
    [TM_CONFIG_KIND_BOOL] = sizeof(bool),
    [TM_CONFIG_KIND_STRINGS] = 0,
    [TM_CONFIG_KIND_EXTRA] = 0,
    [TM_CONFIG_KIND_SECTIONS] = 0,
};

/* The upper bounds are those of the harness: TM_JOB_MAX_SAMPLES, TM_ANSWERS_MAX_TRIALS, an int32,
 * a uint32 for counts.
 */
static const tm_config_range warmups = {0, 1e6, false, "an integer from 0 to 1000000"};
static const tm_config_range samples = {1, 1e5, false, "an integer from 1 to 100000"};
static const tm_config_range trials = {1, 64, false, "an integer from 1 to 64"};
static const tm_config_range seconds = {0, 1e6, true, "a number > 0 and <= 1000000"};
static const tm_config_range countable = {1, 1e9, false, "an integer from 1 to 1000000000"};
static const tm_config_range integer_from_1 = {1, DBL_MAX, false, "an integer >= 1"};
static const tm_config_range number_from_0 = {0, DBL_MAX, false, "a finite number >= 0"};
static const tm_config_range share = {0, 1, true, "a number > 0 and <= 1"};
static const tm_config_range share_or_null = {0, 1, true, "a number > 0 and <= 1, or null"};
static const tm_config_range above_0_or_null = {0, DBL_MAX, true, "a number > 0, or null"};
static const tm_config_range either = {0, 1, false, "true or false"};

/* Where the keys of evaluation, and those of the whole machine, may stand. */
#define EVALUATION (TM_CONFIG_AT_TOP | TM_CONFIG_IN_SECTION | TM_CONFIG_IN_CELL)
#define SYSTEM (TM_CONFIG_AT_TOP | TM_CONFIG_IN_CELL)

#define CELL(member) offsetof(tm_config_values, config.member)
#define FILE_ONLY(member) offsetof(tm_config_values, member)

const tm_config_key tm_config_keys[TM_CONFIG_KEY_COUNT] = {
    {"warmup_runs", TM_CONFIG_KIND_INTEGER, EVALUATION | TM_CONFIG_IN_OPTION, CELL(warmup_runs),
     &warmups, "write a number such as 10"},
    {"iterations", TM_CONFIG_KIND_INTEGER, EVALUATION | TM_CONFIG_IN_OPTION, CELL(iterations),
     &samples, "write a number such as 50"},
    {"num_trials", TM_CONFIG_KIND_INTEGER, EVALUATION | TM_CONFIG_IN_OPTION, CELL(num_trials),
     &trials, "write a number such as 3"},
    {"rtol", TM_CONFIG_KIND_NUMBER, EVALUATION | TM_CONFIG_IN_OPTION, CELL(rtol), &number_from_0,
     "write a number such as 0.01"},
    {"atol", TM_CONFIG_KIND_NUMBER, EVALUATION | TM_CONFIG_IN_OPTION, CELL(atol), &number_from_0,
     "write a number such as 0.01"},
    {"required_matched_ratio", TM_CONFIG_KIND_RATIO, EVALUATION | TM_CONFIG_IN_OPTION,
     CELL(required_matched_ratio), &share_or_null, "write a number such as 0.95"},
    {"max_relative_l2", TM_CONFIG_KIND_LIMIT, EVALUATION, CELL(max_relative_l2), &above_0_or_null,
     "write a number such as 0.05"},
    {"timeout_seconds", TM_CONFIG_KIND_NUMBER, SYSTEM | TM_CONFIG_IN_OPTION, CELL(timeout_seconds),
     &seconds, "write a number such as 300"},
    {"profile_baseline", TM_CONFIG_KIND_BOOL, SYSTEM | TM_CONFIG_IN_OPTION, CELL(profile_baseline),
     &either, "write true or false"},
    {"use_isolated_runner", TM_CONFIG_KIND_BOOL, SYSTEM | TM_CONFIG_IN_OPTION, CELL(isolated),
     &either, "write true or false"},
    {"extra", TM_CONFIG_KIND_EXTRA, EVALUATION, 0, NULL, "write its members indented below it"},
    {"definitions", TM_CONFIG_KIND_STRINGS, TM_CONFIG_AT_TOP, FILE_ONLY(definitions), NULL, NULL},
    {"solutions", TM_CONFIG_KIND_STRINGS, TM_CONFIG_AT_TOP, FILE_ONLY(solutions), NULL, NULL},
    {"op_type_config", TM_CONFIG_KIND_SECTIONS, TM_CONFIG_AT_TOP, 0, NULL,
     "write each op_type indented below it, and its keys below that"},
    {"definition_config", TM_CONFIG_KIND_SECTIONS, TM_CONFIG_AT_TOP, 0, NULL,
     "write each definition indented below it, and its keys below that"},
    {"sampling_validation_trials", TM_CONFIG_KIND_INTEGER, TM_CONFIG_IN_EXTRA, 0, &integer_from_1,
     "write a number such as 100"},
    {"sampling_tvd_threshold", TM_CONFIG_KIND_NUMBER, TM_CONFIG_IN_EXTRA, 0, &share,
     "write a number such as 0.2"},
    {"sampling_samples", TM_CONFIG_KIND_INTEGER, TM_CONFIG_IN_EXTRA, 0, &countable,
     "write a number such as 500000"},
    {"sampling_seconds", TM_CONFIG_KIND_NUMBER, TM_CONFIG_IN_EXTRA, 0, &seconds,
     "write a number such as 20"},
};

const tm_config_key *tm_config_key_find(const char *name, unsigned scopes) {
    for (size_t i = 0; i < TM_CONFIG_KEY_COUNT; i++)
        if ((tm_config_keys[i].scopes & scopes) != 0 && strcmp(tm_config_keys[i].name, name) == 0)
            return &tm_config_keys[i];
    return NULL;
}

const char *tm_config_key_expected(const tm_config_key *key) {
    return kind_names[key->kind];
}

size_t tm_config_key_bytes(const tm_config_key *key) {
    return slot_bytes[key->kind];
}

static tm_config_verdict check_number(const tm_config_key *key, const tm_node *node) {
    const tm_config_range *range = key->range;
    if (node->type != TM_NODE_NUMBER || (key->kind == TM_CONFIG_KIND_INTEGER && !node->is_integer))
        return TM_CONFIG_WRONG_TYPE;
    /* Written so that NaN is out of every range. */
    bool is_in =
        range->above_minimum ? node->number > range->minimum : node->number >= range->minimum;
    return is_in && node->number <= range->maximum ? TM_CONFIG_FITS : TM_CONFIG_OUT_OF_RANGE;
}

tm_config_verdict tm_config_key_check(const tm_config_key *key, const tm_node *node) {
    switch (key->kind) {
    case TM_CONFIG_KIND_RATIO:
    case TM_CONFIG_KIND_LIMIT:
        return node->type == TM_NODE_NULL ? TM_CONFIG_FITS : check_number(key, node);
    case TM_CONFIG_KIND_INTEGER:
    case TM_CONFIG_KIND_NUMBER:
        return check_number(key, node);
    case TM_CONFIG_KIND_BOOL:
        return node->type == TM_NODE_BOOL ? TM_CONFIG_FITS : TM_CONFIG_WRONG_TYPE;
    default:
        return TM_CONFIG_WRONG_TYPE;
    }
}
