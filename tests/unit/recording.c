#include "tests/unit/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

tm_timing_trial recording_trial(tm_arena *arena, const double *ns, size_t count) {
    tm_timing_trial trial = {.ns = tm_arena_array(arena, count, sizeof *ns), .count = count};
    memcpy(trial.ns, ns, count * sizeof *ns);
    qsort(trial.ns, count, sizeof *ns, compare_doubles);
    trial.median_ns = (trial.ns[(count - 1) / 2] + trial.ns[count / 2]) / 2;
    return trial;
}

static tm_timing read_trials(tm_arena *arena, char *text) {
    size_t most = 1, count = 0;
    for (const char *at = text; *at != '\0'; at++)
        most += *at == ' ';
    tm_timing_trial *trials = tm_arena_array(arena, most, sizeof *trials);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        double *ns = tm_arena_array(arena, strlen(word) / 2 + 1, sizeof *ns);
        size_t samples = 0;
        for (char *at = word; *at != '\0'; at += *at == ',')
            ns[samples++] = strtod(at, &at);
        trials[count++] = recording_trial(arena, ns, samples);
    }
    return (tm_timing){TM_TIMING_SAMPLES, trials, count};
}

recording recording_read(tm_arena *arena, const char *path) {
    const tm_source *source = tm_file_read(arena, path);
    assert_non_null(source);
    char *text = tm_arena_copy(arena, source->text, source->length), *rest = NULL;
    recording all = {tm_arena_array(arena, 4096, sizeof(recorded)), 0, 0};
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char cell[256];
        recorded *row = &all.rows[all.count];
        int used = 0;
        if (*line == '#')
            continue;
        assert_int_equal(sscanf(line, "%d %255s %lf %n", &row->run, cell, &row->wait, &used), 3);
        row->cell = tm_arena_copy(arena, cell, strlen(cell));
        row->timing = read_trials(arena, line + used);
        all.runs = row->run > all.runs ? row->run : all.runs;
        all.count++;
        assert_true(all.count < 4096);
    }
    return all;
}

const recorded *recording_find(const recording *all, int run, const char *cell) {
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].run == run && strcmp(all->rows[i].cell, cell) == 0)
            return &all->rows[i];
    return NULL;
}
