#include "reports/figure.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/text.h"

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

tm_style tm_figure_style(const tm_model_cell *cell) {
    switch (cell->state) {
    case TM_MODEL_RAN:
        return cell->trace.status == TM_STATUS_PASSED ? TM_STYLE_GOOD
               : cell->trace.status == TM_STATUS_VOID ? TM_STYLE_DOUBTFUL
                                                      : TM_STYLE_BAD;
    case TM_MODEL_NOT_RUN:
    case TM_MODEL_WAITING:
        return TM_STYLE_DOUBTFUL;
    case TM_MODEL_BROKEN:
        break;
    }
    return TM_STYLE_BAD;
}

const char *tm_figure_count(tm_arena *arena, size_t count, const char *noun) {
    return tm_arena_format(arena, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

/* Bytes at the start of a text that no terminal shows but obeys: C0, DEL, C1 (U+0080 to U+009F),
 * and what turns the direction of the rest (U+202A to U+202E, U+2066 to U+2069); 0: none. */
static size_t control_bytes(const char *text) {
    const unsigned char *byte = (const unsigned char *)text;
    if (byte[0] < 0x20 || byte[0] == 0x7f)
        return 1;
    if (byte[0] == 0xc2)
        return byte[1] >= 0x80 && byte[1] <= 0x9f ? 2 : 0;
    if (byte[0] != 0xe2 || byte[1] == '\0')
        return 0;
    bool turns = (byte[1] == 0x80 && byte[2] >= 0xaa && byte[2] <= 0xae) ||
                 (byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9);
    return turns ? 3 : 0;
}

const char *tm_figure_line(tm_arena *arena, const char *text) {
    char *line = tm_arena_copy(arena, text, strlen(text));
    for (char *at = line; *at != '\0';) {
        size_t length = control_bytes(at);
        memset(at, ' ', length);
        at += length > 0 ? length : 1;
    }
    return line;
}

typedef struct {
    uint32_t first, last;
} character_range;

static bool is_in(uint32_t character, const character_range *ranges, size_t count) {
    for (size_t i = 0; i < count && ranges[i].first <= character; i++)
        if (character <= ranges[i].last)
            return true;
    return false;
}

/* Columns of the character at the start of a text, and its bytes; a byte that is no UTF-8 counts
 * like a character. */
static size_t measure(const char *text, size_t *bytes) {
    /* Marks that stand over others, joiners, variation selectors. */
    static const character_range none[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
        {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
        {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0001, 0xe01ef}};
    /* East Asian wide and fullwidth (Unicode TR 11), and pictures. */
    static const character_range two[] = {
        {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x26a1, 0x26a1},
        {0x2705, 0x2705},   {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2b50, 0x2b50},
        {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},
        {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f320}, {0x1f32d, 0x1f335},
        {0x1f337, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3e0, 0x1f3f0}, {0x1f400, 0x1f43e},
        {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5},
        {0x1f6eb, 0x1f6ec}, {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff},
        {0x20000, 0x3fffd}};
    *bytes = tm_text_utf8_bytes(text, strnlen(text, 4));
    if (*bytes < 2) {
        *bytes = 1;
        return 1;
    }
    uint32_t character = (unsigned char)text[0] & (0x7fu >> *bytes);
    for (size_t i = 1; i < *bytes; i++)
        character = character << 6 | ((unsigned char)text[i] & 0x3f);
    if (is_in(character, none, sizeof(none) / sizeof(*none)))
        return 0;
    return is_in(character, two, sizeof(two) / sizeof(*two)) ? 2 : 1;
}

size_t tm_figure_width(const char *text) {
    size_t width = 0;
    for (size_t bytes; *text != '\0'; text += bytes)
        width += measure(text, &bytes);
    return width;
}

/* Bytes of the beginning that takes at most `width` columns. */
static size_t fitting(const char *text, size_t width) {
    size_t length = 0, used = 0;
    for (size_t bytes; text[length] != '\0'; length += bytes) {
        used += measure(text + length, &bytes);
        if (used > width)
            break;
    }
    return length;
}

size_t tm_figure_break(const char *text, size_t width) {
    size_t length = fitting(text, width);
    if (text[length] == '\0')
        return length;
    size_t blank = length;
    while (blank > 0 && text[blank] != ' ')
        blank--;
    return blank > 0 ? blank : length;
}

const char *tm_figure_wrap(tm_arena *arena, const char *text, size_t width, size_t indent) {
    size_t length = tm_figure_break(text, width);
    const char *lines = tm_arena_copy(arena, text, length);
    while (text[length] != '\0') {
        text += length;
        text += strspn(text, " ");
        length = tm_figure_break(text, width - indent);
        lines = tm_arena_format(arena, "%s\n%*s%.*s", lines, (int)indent, "", (int)length, text);
    }
    return lines;
}

void tm_figure_add_notes(tm_arena *arena, tm_text *text, const char *const *notes, size_t count,
                         size_t width) {
    tm_text_add(text, "\n");
    for (size_t i = 0; i < count; i++)
        tm_text_format(text, "%s\n", tm_figure_wrap(arena, notes[i], width, 2));
}

const char *tm_figure_cut(tm_arena *arena, const char *text, size_t width) {
    if (tm_figure_width(text) <= width)
        return text;
    return tm_arena_format(arena, "%.*s..", (int)fitting(text, width - 2), text);
}

const char *tm_figure_middle(tm_arena *arena, const char *text, size_t width) {
    size_t whole = tm_figure_width(text);
    if (whole <= width)
        return text;
    size_t tail = (width - 2) / 2, head = fitting(text, width - 2 - tail);
    const char *rest = text;
    for (size_t bytes; whole > tail; rest += bytes)
        whole -= measure(rest, &bytes);
    for (size_t bytes; *rest != '\0' && measure(rest, &bytes) == 0;)
        rest += bytes; /* a mark without what it stands over */
    return tm_arena_format(arena, "%.*s..%s", (int)head, text, rest);
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

const char *tm_figure_axes(tm_arena *arena, const tm_node *axes) {
    tm_text text = {0};
    for (const tm_node *axis = axes != NULL ? axes->child : NULL; axis != NULL; axis = axis->next) {
        tm_text_format(&text, "%s%s=", text.length > 0 ? ", " : "", axis->key);
        if (axis->is_integer)
            tm_text_format(&text, "%" PRId64, axis->integer);
        else
            tm_text_add(&text, tm_node_describe(arena, axis));
    }
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
