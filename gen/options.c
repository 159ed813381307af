#include "gen/options.h"

#include <errno.h>
#include <string.h>

#include "lib/file.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Options that hold one string; all have the form --name=value. */
typedef struct {
    const char *name;
    size_t offset;
} string_option;

#define STRING(name, member) \
    { name, offsetof(tm_options, member) }
static const string_option string_options[] = {
    STRING("srcdir", srcdir),           STRING("config", config_path),
    STRING("backend", backend),         STRING("arch", arch),
    STRING("definitions", definitions), STRING("solutions", solutions),
    STRING("op-types", op_types),       STRING("authors", authors),
    STRING("workloads", workloads),     STRING("found", found),
};

/* Options that override one value of the evaluation configuration, and its key there. */
static const char *const override_options[][2] = {
    {"warmup-runs", "warmup_runs"},
    {"iterations", "iterations"},
    {"num-trials", "num_trials"},
    {"rtol", "rtol"},
    {"atol", "atol"},
    {"required-matched-ratio", "required_matched_ratio"},
    {"timeout", "timeout_seconds"},
    {"use-isolated-runner", "use_isolated_runner"},
};

typedef struct {
    const char *key, *value, *option;
} override;

typedef struct {
    tm_options *options;
    tm_arena *arena;
    tm_diag *diag;
    override overrides[32];
    size_t override_count;
} parser;

static bool take_one(parser *p, const char *argument);

static bool take_file(parser *p, const char *path) {
    const tm_source *source = tm_file_read(p->arena, path);
    if (!source) {
        tm_diag_error(p->diag, tm_diag_command_line, NULL,
                      "@%s: expected a readable file of options, one a line: %s", path,
                      strerror(errno));
        return false;
    }
    bool good = true;
    for (const char *line = source->text; *line;) {
        size_t length = strcspn(line, "\n");
        if (length)
            good = take_one(p, tm_arena_copy(p->arena, line, length)) && good;
        line += length + (line[length] == '\n');
    }
    return good;
}

/* Always false, with the nearest option as a suggestion. */
static bool complain_option(parser *p, const char *name) {
    const char *known[COUNT(string_options) + COUNT(override_options) + 1] = {"dataset"};
    size_t count = 1;
    for (size_t i = 0; i < COUNT(string_options); i++)
        known[count++] = string_options[i].name;
    for (size_t i = 0; i < COUNT(override_options); i++)
        known[count++] = override_options[i][0];
    const char *nearest = tm_text_nearest(name, known, count);
    tm_diag_error(p->diag, tm_diag_command_line, NULL, "unknown option --%s; %s%s", name,
                  nearest ? "did you mean --" : "the known ones are those of ./configure --help",
                  nearest ? tm_arena_format(p->arena, "%s?", nearest) : "");
    return false;
}

static bool take_one(parser *p, const char *argument) {
    tm_options *options = p->options;
    if (argument[0] == '@')
        return take_file(p, argument + 1);
    if (strcmp(argument, "--check") == 0) {
        options->check = true;
        return true;
    }
    if (strcmp(argument, "--synthesize-blobs") == 0) {
        options->synthesize_blobs = true;
        return true;
    }
    const char *equals = strchr(argument, '=');
    if (strncmp(argument, "--", 2) != 0 || !equals) {
        tm_diag_error(p->diag, tm_diag_command_line, NULL, "expected --name=value, got \"%s\"",
                      argument);
        return false;
    }
    const char *name = tm_arena_copy(p->arena, argument + 2, (size_t)(equals - argument) - 2);
    const char *value = equals + 1;
    if (strcmp(name, "dataset") == 0) {
        if (options->dataset_count == TM_MAX_DATASETS) {
            tm_diag_error(p->diag, tm_diag_command_line, NULL,
                          "--dataset: expected at most %d, got more", TM_MAX_DATASETS);
            return false;
        }
        options->datasets[options->dataset_count++] = value;
        return true;
    }
    for (size_t i = 0; i < COUNT(string_options); i++)
        if (strcmp(name, string_options[i].name) == 0) {
            *(const char **)((char *)options + string_options[i].offset) = value;
            return true;
        }
    for (size_t i = 0; i < COUNT(override_options); i++)
        if (strcmp(name, override_options[i][0]) == 0 && p->override_count < COUNT(p->overrides)) {
            p->overrides[p->override_count++] =
                (override){override_options[i][1], value,
                           tm_arena_format(p->arena, "--%s", override_options[i][0])};
            return true;
        }
    return complain_option(p, name);
}

static bool load_config(parser *p) {
    tm_options *options = p->options;
    options->config = tm_config_create(p->arena);
    bool good = true;
    if (options->config_path) {
        const tm_source *source = tm_file_read(p->arena, options->config_path);
        if (!source) {
            tm_diag_error(p->diag, tm_diag_command_line, NULL,
                          "--config=%s: expected a readable YAML file: %s", options->config_path,
                          strerror(errno));
            return false;
        }
        const tm_node *root = tm_yaml_parse(p->arena, source, p->diag);
        good = root && tm_config_load(options->config, root, p->diag);
    }
    for (size_t i = 0; i < p->override_count; i++)
        good = tm_config_override(options->config, p->overrides[i].key, p->overrides[i].value,
                                  p->overrides[i].option, p->diag) &&
               good;
    return good;
}

bool tm_options_parse(tm_options *options, tm_arena *arena, int argc, char **argv, tm_diag *diag) {
    *options = (tm_options){.srcdir = ".", .backend = "cpu", .arch = "cpu", .workloads = "all"};
    parser p = {.options = options, .arena = arena, .diag = diag};
    bool good = true;
    for (int i = 1; i < argc; i++)
        good = take_one(&p, argv[i]) && good;
    if (options->dataset_count == 0) {
        options->datasets[options->dataset_count++] = options->srcdir;
        options->dataset_is_srcdir = true;
    }
    return load_config(&p) && good;
}
