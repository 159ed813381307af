#include "reports/figure.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Three significant digits for values from 1 to 999; more digits only before the point. */
static const char *three_digits(tm_arena *arena, double value) {
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return tm_arena_format(arena, "%.*f", decimals, value);
}

static bool is_positive(double value) {
    return isfinite(value) && value > 0.0;
}

/* Splits a latency into a number below 1000 (999.5 would print as 1000) and its unit. */
static double in_unit(double latency_ms, const char **unit) {
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = latency_ms * 1e6;
    size_t index = 0;
    while (value >= 999.5 && index + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1e3;
        index++;
    }
    *unit = units[index];
    return value;
}

const char *tm_figure_latency(tm_arena *arena, double latency_ms) {
    if (!is_positive(latency_ms))
        return "-";
    const char *unit;
    double value = in_unit(latency_ms, &unit);
    return tm_arena_format(arena, "%s %s", three_digits(arena, value), unit);
}

const char *tm_figure_latency_range(tm_arena *arena, double least_ms, double most_ms) {
    const char *least = tm_figure_latency(arena, least_ms);
    const char *most = tm_figure_latency(arena, most_ms);
    if (strcmp(least, most) == 0)
        return most;
    const char *least_unit, *most_unit;
    double value = in_unit(least_ms, &least_unit);
    in_unit(most_ms, &most_unit);
    if (strcmp(least_unit, most_unit) == 0)
        least = three_digits(arena, value);
    return tm_arena_format(arena, "%s .. %s", least, most);
}

const char *tm_figure_speedup(tm_arena *arena, double speedup) {
    if (!is_positive(speedup))
        return "-";
    if (speedup < 0.0005)
        return "<0.001x";
    if (speedup < 0.0995)
        return tm_arena_format(arena, "%.3fx", speedup);
    return tm_arena_format(arena, "%sx", three_digits(arena, speedup));
}

const char *tm_figure_percent(tm_arena *arena, double percent) {
    if (!is_positive(percent))
        return "-";
    if (percent < 0.05)
        return "<0.1%";
    return tm_arena_format(arena, "%.*f%%", percent < 9.95 ? 1 : 0, percent);
}

const char *tm_figure_error(tm_arena *arena, double error) {
    if (isnan(error))
        return "nan"; /* printf would show its sign */
    return tm_arena_format(arena, "%.3g", error);
}

const char *tm_figure_status(const tm_model_cell *cell) {
    switch (cell->state) {
    case TM_MODEL_RAN:
        return tm_status_name(cell->trace.status);
    case TM_MODEL_NOT_RUN:
        return "NOT RUN";
    case TM_MODEL_WAITING:
        return cell->needs;
    case TM_MODEL_BROKEN:
        break;
    }
    return "BROKEN TRACE";
}

const char *tm_figure_status_key(const tm_model_cell *cell) {
    if (cell->state == TM_MODEL_NOT_RUN)
        return "NOT_RUN";
    return cell->state == TM_MODEL_BROKEN ? "BROKEN_TRACE" : tm_figure_status(cell);
}

const char *tm_figure_count(tm_arena *arena, size_t count, const char *noun) {
    return tm_arena_format(arena, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

/* C0, DEL, and C1 (U+0080 to U+009F), which terminals obey as well. */
static bool is_control(const char *byte) {
    unsigned char first = (unsigned char)byte[0], second = (unsigned char)byte[1];
    return first < 0x20 || first == 0x7f || (first == 0xc2 && second >= 0x80 && second <= 0x9f);
}

const char *tm_figure_line(tm_arena *arena, const char *text) {
    char *line = tm_arena_copy(arena, text, strlen(text));
    for (char *byte = line; *byte != '\0'; byte++) {
        if (!is_control(byte))
            continue;
        if ((unsigned char)*byte == 0xc2)
            *byte++ = ' ';
        *byte = ' ';
    }
    return line;
}

static bool begins_character(char byte) {
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t tm_figure_width(const char *text) {
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += begins_character(*text);
    return width;
}

size_t tm_figure_break(const char *text, size_t width) {
    size_t length = 0, blank = 0, characters = 0;
    for (; text[length] != '\0'; length++) {
        if (text[length] == ' ')
            blank = length;
        characters += begins_character(text[length]);
        if (characters > width)
            return blank > 0 ? blank : length;
    }
    return length;
}

const char *tm_figure_cut(tm_arena *arena, const char *text, size_t width) {
    if (tm_figure_width(text) <= width)
        return text;
    size_t length = 0, characters = 0;
    while (!begins_character(text[length]) || characters < width - 2) {
        characters += begins_character(text[length]);
        length++;
    }
    return tm_arena_format(arena, "%.*s..", (int)length, text);
}

/* Where the macros of a variant begin, behind the definition's name; `length` when there are none.
 */
static size_t variant_begin(const char *solution, size_t length, const char *definition) {
    const char *at = strstr(solution, definition);
    size_t begin = at != NULL ? (size_t)(at - solution) + strlen(definition) : length;
    return solution[begin] == '+' ? begin : length;
}

const char *tm_figure_solution(tm_arena *arena, const char *solution, const char *definition,
                               size_t width) {
    const char *name = tm_figure_line(arena, solution);
    size_t length = strlen(solution), tail = strlen(definition);
    length = variant_begin(solution, length, definition);
    if (tm_figure_width(name) > width && length > tail + 1 && solution[length - tail - 1] == '_' &&
        strncmp(solution + length - tail, definition, tail) == 0)
        name = tm_arena_format(arena, "%.*s*%s", (int)(length - tail), name, name + length);
    return tm_figure_cut(arena, name, width);
}

const char *tm_figure_uuid(tm_arena *arena, const char *uuid) {
    const char *line = tm_figure_line(arena, uuid);
    if (strlen(line) == 36 && line[8] == '-' && line[13] == '-')
        return tm_arena_copy(arena, line, 8);
    return tm_figure_cut(arena, line, 20);
}

const char *tm_figure_workload(tm_arena *arena, const tm_model_workload *workload) {
    const char *uuid = tm_figure_uuid(arena, workload->uuid);
    if (workload->axes[0] == '\0')
        return uuid;
    return tm_arena_format(arena, "%s (%s)", uuid, tm_figure_line(arena, workload->axes));
}

const char *tm_figure_cell(tm_arena *arena, const tm_model_solution *solution,
                           const tm_model_workload *workload) {
    return tm_arena_format(arena, "%s[%s%s%s]", solution->name, workload->axes,
                           workload->axes[0] != '\0' ? "/" : "", workload->uuid);
}
