#include "reports/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number.h"
#include "reports/figure.h"

#define BINS 12
/* The last interval ends this many times as far above the least as the 90th percentile lies. */
#define STRETCH 3.0
#define LONGEST_BAR 50

static double *collect(tm_arena *arena, const tm_timing *timing, size_t *count) {
    size_t most = 0;
    for (size_t i = 0; i < timing->trial_count; i++)
        most += timing->trials[i].count;
    double *all = tm_arena_array(arena, most, sizeof(*all));
    *count = 0;
    for (size_t i = 0; i < timing->trial_count; i++)
        for (size_t j = 0; j < timing->trials[i].count; j++)
            all[(*count)++] = timing->trials[i].ns[j];
    qsort(all, *count, sizeof(*all), tm_number_compare);
    return all;
}

static void add_line(tm_arena *arena, tm_text *text, size_t indent, const char *label,
                     size_t samples, size_t longest, size_t room) {
    size_t length = longest > 0 ? (samples * room + longest - 1) / longest : 0;
    char *bar = tm_arena_alloc(arena, length + 1);
    memset(bar, '#', length);
    tm_text_format(text, "%*s%9s  %s%s%zu\n", (int)indent, "", label, bar, length > 0 ? " " : "",
                   samples);
}

void tm_histogram_add(tm_arena *arena, tm_text *text, const tm_timing *timing, size_t indent,
                      size_t width) {
    if (timing->source != TM_TIMING_SAMPLES)
        return;
    size_t count, bins[BINS + 1] = {0};
    const double *all = collect(arena, timing, &count);
    double least = all[0], most = all[count - 1];
    double bound = least + STRETCH * (all[(count - 1) * 9 / 10] - least);
    double high = bound > least && bound < most ? bound : most;
    double step = (high - least) / BINS;
    size_t used = step > 0.0 ? BINS : 1, longest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bin = step > 0.0 ? (size_t)((all[i] - least) / step) : 0;
        if (all[i] <= high && bin >= used)
            bin = used - 1;
        bins[bin < used ? bin : BINS]++;
    }
    for (size_t i = 0; i <= BINS; i++)
        longest = bins[i] > longest ? bins[i] : longest;
    size_t around = indent + strlen("1.23 us    ") + strlen(" 123456");
    size_t room = width > around + 10 ? width - around : 10;
    room = room < LONGEST_BAR ? room : LONGEST_BAR;
    for (size_t i = 0; i < used; i++)
        add_line(arena, text, indent, tm_figure_latency(arena, (least + (double)i * step) / 1e6),
                 bins[i], longest, room);
    if (bins[BINS] > 0)
        add_line(arena, text, indent,
                 tm_arena_format(arena, "> %s", tm_figure_latency(arena, high / 1e6)), bins[BINS],
                 longest, room);
}
