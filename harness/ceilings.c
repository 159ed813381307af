/* tm-ceilings: what the devices of this machine can do at most, as JSON on standard output.
 *
 *   tm-ceilings DEVICE.json      where ninja runs: build/ is there
 *
 * Each device is locked while it is measured, as for a cell. Exit status: 2 bad usage, 3 no device
 * or one that cannot be measured. */
#include "harness/ceilings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/lock.h"
#include "lib/file.h"
#include "lib/json.h"

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

/* One device of build/device.json, measured alone. NULL after appending an error. */
static tm_json *measure(const tm_node *described, const tm_node *device, int index, tm_arena *arena,
                        tm_diag *diag) {
    tm_ceilings ceilings = {0};
    char error[TM_CEILINGS_ERROR_BYTES] = "";
    int lock = tm_lock_this_device(described, device, ".", arena, diag);
    if (lock < 0)
        return NULL;
    bool good = tm_ceilings_measure(index, &ceilings, error);
    close(lock);
    if (good)
        return device_json(device, &ceilings);
    tm_diag_error(diag, tm_diag_command_line, NULL, "%s", error);
    return NULL;
}

static bool run(const char *path, tm_arena *arena, tm_diag *diag) {
    const tm_source *source = tm_file_read(arena, path);
    if (!source) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; run ninja", path, strerror(errno));
        return false;
    }
    const tm_node *described = tm_json_parse_all(arena, source, diag);
    const tm_node *devices = tm_node_get(described, "devices");
    if (!devices || !devices->child) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: expected devices, got none", path);
        return false;
    }
    tm_json *list = tm_json_array(), *root = tm_json_object();
    bool good = true;
    int index = 0;
    for (const tm_node *device = devices->child; device && good; device = device->next, index++) {
        tm_json *one = measure(described, device, index, arena, diag);
        good = one != NULL;
        if (one)
            tm_json_push(list, one);
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
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: tm-ceilings build/device.json\n");
        return 2;
    }
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    int status = run(argv[1], arena, diag) ? 0 : 3;
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    tm_arena_destroy(arena);
    return status;
}
