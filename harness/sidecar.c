#include "harness/sidecar.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/text.h"

/* No ".json" at the end: with it the samples of a row "a" would be the trace of a row "a.samples",
 * and whoever looks for traces by their ending would find them. */
const char *tm_sidecar_path(const char *trace_path, tm_arena *arena) {
    size_t stem = strlen(trace_path);
    if (stem > 5 && strcmp(trace_path + stem - 5, ".json") == 0)
        stem -= 5;
    return tm_arena_format(arena, "%.*s.samples", (int)stem, trace_path);
}

/* As text and not as a tree: there may be millions. */
static void add_array(tm_text *text, const char *key, const double *values, size_t count) {
    tm_text_format(text, "\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            tm_text_add(text, ",");
        if (isfinite(values[i]))
            tm_text_add_number(text, values[i]);
        else
            tm_text_add(text, "null");
    }
    tm_text_add(text, "]");
}

static void add_trial(tm_text *text, const tm_samples *trial) {
    const struct {
        const char *key;
        const double *values;
    } clocks[] = {
        {"device", trial->device_ns}, {"events", trial->marks_ns}, {"wall", trial->wall_ns}};
    const char *separator = "{";
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        if (clocks[i].values) {
            tm_text_add(text, separator);
            add_array(text, clocks[i].key, clocks[i].values, trial->count);
            separator = ",";
        }
    if (trial->activities > 0) {
        tm_text_format(text, "%s\"activities\":%" PRId64, separator, trial->activities);
        separator = ",";
    }
    tm_text_add(text, separator[0] == '{' ? "{}" : "}");
}

bool tm_sidecar_write(const char *trace_path, const tm_samples *trials, size_t count,
                      tm_arena *arena, tm_diag *diag) {
    const char *path = tm_sidecar_path(trace_path, arena);
    size_t samples = 0;
    for (size_t i = 0; i < count; i++)
        samples += trials[i].count;
    bool good;
    if (samples == 0)
        good = unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR;
    else {
        tm_text text = {0};
        tm_text_add(&text, "{\"unit\":\"ns\",\"trials\":[\n");
        for (size_t i = 0; i < count; i++) {
            add_trial(&text, &trials[i]);
            tm_text_add(&text, i + 1 < count ? ",\n" : "\n");
        }
        tm_text_add(&text, "]}\n");
        good = tm_file_write(path, text.data, text.length, NULL);
        int saved = errno;
        tm_text_free(&text);
        errno = saved;
    }
    if (!good)
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: cannot be %s: %s", path,
                      samples == 0 ? "removed" : "written", strerror(errno));
    return good;
}
