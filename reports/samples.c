#include "reports/samples.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/select.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
enum { BEYOND = 63 };

/* More than the harness writes for any configuration that ends within a day. */
#define MAX_SAMPLES ((size_t)1 << 20)
enum { MAX_DIGITS = 17 };
/* The bound lies this many times as far above the least as the 90th percentile does. */
#define STRETCH 3.0

typedef struct {
    double *values;
    size_t count, capacity;
    tm_arena *arena;
} list;

static void push(list *samples, double value) {
    samples->values = tm_arena_grow(samples->arena, samples->values, samples->count,
                                    &samples->capacity, sizeof(*samples->values));
    samples->values[samples->count++] = value;
}

/* The numbers of "[1770,1802]", whole ones as the harness writes them; -1 stands for the end of a
 * trial. False for anything else. */
static bool read_numbers(const char *at, list *samples) {
    if (*at++ != '[')
        return false;
    while (*at != ']') {
        double value = 0.0;
        const char *begin = at;
        for (; *at >= '0' && *at <= '9'; at++)
            value = 10.0 * value + (*at - '0');
        if (at == begin || at - begin > MAX_DIGITS || samples->count >= MAX_SAMPLES)
            return false;
        push(samples, value);
        if (*at == ',')
            at++;
        else if (*at != ']')
            return false;
    }
    push(samples, -1.0);
    return true;
}

static void find_bounds(tm_arena *arena, const list *trials, tm_samples *samples) {
    double *values = tm_arena_array(arena, trials->count, sizeof(*values));
    for (size_t i = 0; i < trials->count; i++) {
        double value = trials->values[i];
        if (value < 0.0)
            continue;
        if (samples->count == 0 || value < samples->low_ns)
            samples->low_ns = value;
        if (value > samples->max_ns)
            samples->max_ns = value;
        values[samples->count++] = value;
    }
    if (samples->count == 0)
        return;
    double p90 = tm_select_value(values, samples->count, (samples->count - 1) * 9 / 10);
    double usual = p90 - samples->low_ns, bound = samples->low_ns + STRETCH * usual;
    samples->high_ns = usual > 0.0 && bound < samples->max_ns ? bound : samples->max_ns;
}

bool tm_samples_parse(tm_arena *arena, const char *text, tm_samples *samples) {
    static const char key[] = "\"device\":";
    list trials = {.arena = arena};
    *samples = (tm_samples){0};
    for (const char *at = text; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        if (!read_numbers(at, &trials))
            return false;
    }
    find_bounds(arena, &trials, samples);
    if (samples->count == 0)
        return false;
    char *levels = tm_arena_alloc(arena, trials.count + 1), *out = levels;
    double span = samples->high_ns - samples->low_ns;
    for (size_t i = 0; i < trials.count; i++) {
        double value = trials.values[i];
        int level = value < 0.0 ? -1 : value > samples->high_ns ? BEYOND : 0;
        if (level == 0 && span > 0.0)
            level = (int)((value - samples->low_ns) / span * (BEYOND - 1) + 0.5);
        *out++ = level < 0 ? '.' : digits[level];
    }
    out[-1] = '\0'; /* the dot behind the last trial */
    samples->levels = levels;
    return true;
}

bool tm_samples_read(tm_arena *arena, const char *path, tm_samples *samples) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    char *text = NULL;
    size_t length = 0, capacity = 16384;
    ssize_t got;
    do {
        capacity *= text == NULL ? 1 : 2;
        char *more = realloc(text, capacity);
        if (more == NULL)
            abort();
        text = more;
        while ((got = read(file, text + length, capacity - 1 - length)) > 0)
            length += (size_t)got;
    } while (got == 0 && length == capacity - 1);
    close(file);
    text[length] = '\0';
    bool good = got == 0 && tm_samples_parse(arena, text, samples);
    free(text);
    return good;
}
