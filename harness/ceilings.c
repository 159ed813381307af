/* tm-ceilings: what the devices of this machine can do at most, as JSON on standard output.
 *
 *   tm-ceilings [--locked] DEVICE.json [EARLIER.json]     where ninja runs: build/ is there
 *
 * Each device is locked while it is measured, as for a cell; --locked: the caller has done so. Of
 * the figures in EARLIER.json, which this program wrote, and the new ones the higher are printed.
 * Exit status: 2 bad usage, 3 no device or one that cannot be measured. */
#include "harness/ceilings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/lock.h"
#include "lib/file.h"
#include "lib/json.h"

typedef struct {
    bool is_locked;
    const char *devices, *earlier; /* paths; `earlier` may be NULL */
} arguments;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double tm_ceilings_median(double *seconds, size_t count) {
    qsort(seconds, count, sizeof *seconds, compare);
    return seconds[count / 2];
}

static void set_known(tm_json *object, const char *key, double value) {
    if (value > 0)
        tm_json_set_number(object, key, value);
}

/* {"bfloat16": 7.9e14, ...} of the dtypes that were measured. */
static tm_json *rates_json(const double *rates) {
    tm_json *object = tm_json_object();
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++)
        set_known(object, tm_dtype_name((tm_dtype)dtype), rates[dtype]);
    return object;
}

static tm_json *device_json(const tm_node *device, const tm_ceilings *ceilings) {
    tm_json *object = tm_json_object();
    const tm_node *uuid = tm_node_get(device, "uuid");
    tm_json_set_string(object, "uuid", uuid ? uuid->string : NULL);
    set_known(object, "copy_bytes_per_s", ceilings->copy_bytes_per_s);
    set_known(object, "read_bytes_per_s", ceilings->read_bytes_per_s);
    set_known(object, "most_bytes_per_s", ceilings->most_bytes_per_s);
    if (ceilings->cache_bytes > 0)
        tm_json_set_int(object, "cache_bytes", ceilings->cache_bytes);
    tm_json_set(object, "operations_per_s", rates_json(ceilings->operations_per_s));
    tm_json_set(object, "most_operations_per_s", rates_json(ceilings->most_operations_per_s));
    return object;
}

static void raise_to(double *figure, const tm_node *object, const char *key) {
    const tm_node *node = tm_node_get(object, key);
    if (node && node->type == TM_NODE_NUMBER && node->number > *figure)
        *figure = node->number;
}

/* What other programs have taken only ever makes a figure lower. */
static void raise_all(tm_ceilings *ceilings, const tm_node *earlier) {
    raise_to(&ceilings->copy_bytes_per_s, earlier, "copy_bytes_per_s");
    raise_to(&ceilings->read_bytes_per_s, earlier, "read_bytes_per_s");
    raise_to(&ceilings->most_bytes_per_s, earlier, "most_bytes_per_s");
    const tm_node *rates = tm_node_get(earlier, "operations_per_s");
    const tm_node *most = tm_node_get(earlier, "most_operations_per_s");
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++) {
        raise_to(&ceilings->operations_per_s[dtype], rates, tm_dtype_name((tm_dtype)dtype));
        raise_to(&ceilings->most_operations_per_s[dtype], most, tm_dtype_name((tm_dtype)dtype));
    }
}

/* One device of build/device.json, measured alone. NULL after appending an error. */
static tm_json *measure(const arguments *args, const tm_node *described, const tm_node *device,
                        const tm_node *earlier, int index, tm_arena *arena, tm_diag *diag) {
    tm_ceilings ceilings = {0};
    char error[TM_CEILINGS_ERROR_BYTES] = "";
    int lock = args->is_locked ? -1 : tm_lock_this_device(described, device, ".", arena, diag);
    if (lock < 0 && !args->is_locked)
        return NULL;
    bool good = tm_ceilings_measure(index, &ceilings, error);
    if (lock >= 0)
        close(lock);
    raise_all(&ceilings, earlier);
    if (good)
        return device_json(device, &ceilings);
    tm_diag_error(diag, tm_diag_command_line, NULL, "%s", error);
    return NULL;
}

static const tm_node *read_json(const char *path, tm_arena *arena, tm_diag *diag) {
    const tm_source *source = tm_file_read(arena, path);
    if (source)
        return tm_json_parse_all(arena, source, diag);
    tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; run ninja", path, strerror(errno));
    return NULL;
}

static bool run(const arguments *args, tm_arena *arena, tm_diag *diag) {
    const tm_node *described = read_json(args->devices, arena, diag);
    const tm_node *all = args->earlier ? read_json(args->earlier, arena, diag) : NULL;
    if (!described || (args->earlier && !all))
        return false;
    const tm_node *devices = tm_node_get(described, "devices");
    if (!devices || !devices->child) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: expected devices, got none; run ninja",
                      args->devices);
        return false;
    }
    tm_json *list = tm_json_array(), *root = tm_json_object();
    const tm_node *earlier = tm_node_get(all, "devices");
    earlier = earlier ? earlier->child : NULL;
    bool good = true;
    int index = 0;
    for (const tm_node *device = devices->child; device && good; device = device->next, index++) {
        tm_json *one = measure(args, described, device, earlier, index, arena, diag);
        good = one != NULL;
        if (one)
            tm_json_push(list, one);
        earlier = earlier ? earlier->next : NULL;
    }
    tm_json_set(root, "devices", list);
    char *text = tm_json_print(root, true);
    if (good)
        fputs(text, stdout);
    free(text);
    tm_json_free(root);
    return good;
}

int main(int argc, char **argv) {
    arguments args = {.is_locked = argc > 1 && strcmp(argv[1], "--locked") == 0};
    int first = args.is_locked ? 2 : 1;
    if (argc < first + 1 || argc > first + 2 || argv[first][0] == '-') {
        fprintf(stderr, "usage: tm-ceilings [--locked] build/device.json [build/ceilings.json]\n");
        return 2;
    }
    args.devices = argv[first];
    args.earlier = argv[first + 1];
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    int status = run(&args, arena, diag) ? 0 : 3;
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    tm_arena_destroy(arena);
    return status;
}
