#include "harness/gauge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gauge_cpu.h"
#include "harness/gauge_nvml.h"

#define SLOW_SHARE 0.75 /* of the default clock */

struct tm_gauge {
    tm_gauge_nvml *nvml; /* or */
    tm_gauge_cpu *cpu;
};

/* Names of NVML's bits, from the lowest. */
static const char *const reason_names[] = {"idle",
                                           "application clocks",
                                           "power cap",
                                           "hardware slowdown",
                                           "sync boost",
                                           "thermal slowdown",
                                           "hardware thermal slowdown",
                                           "hardware power brake",
                                           "display clock"};

tm_gauge *tm_gauge_open_below(const char *root, const char *backend, const char *device_uuid) {
    tm_gauge *gauge = calloc(1, sizeof *gauge);
    if (!gauge)
        return NULL;
    if (strcmp(backend, "cuda") == 0 && device_uuid)
        gauge->nvml = tm_gauge_nvml_open(device_uuid);
    else if (strcmp(backend, "cpu") == 0)
        gauge->cpu = tm_gauge_cpu_open(root);
    if (gauge->nvml || gauge->cpu)
        return gauge;
    free(gauge);
    return NULL;
}

tm_gauge *tm_gauge_open(const char *backend, const char *device_uuid) {
    return tm_gauge_open_below("", backend, device_uuid);
}

void tm_gauge_close(tm_gauge *gauge) {
    if (!gauge)
        return;
    tm_gauge_nvml_close(gauge->nvml);
    tm_gauge_cpu_close(gauge->cpu);
    free(gauge);
}

bool tm_gauge_read(tm_gauge *gauge, tm_gauge_reading *reading) {
    memset(reading, 0, sizeof *reading); /* its padding too: it is sent as bytes */
    if (gauge && gauge->nvml)
        tm_gauge_nvml_read(gauge->nvml, reading);
    if (gauge && gauge->cpu)
        tm_gauge_cpu_read(gauge->cpu, reading);
    reading->known = reading->clock_mhz > 0 || reading->default_mhz > 0 || reading->max_mhz > 0 ||
                     reading->memory_mhz > 0 || reading->temperature_c > 0 ||
                     reading->power_w > 0 || reading->throttle_reasons != 0 ||
                     reading->cpu_wait_us > 0;
    return reading->known;
}

bool tm_gauge_is_slow(const tm_gauge_reading *reading) {
    return reading->known && reading->clock_mhz > 0 &&
           reading->clock_mhz < SLOW_SHARE * reading->default_mhz &&
           !(reading->throttle_reasons & (TM_GAUGE_IDLE | TM_GAUGE_POWER_CAP));
}

static tm_json *reasons_json(uint64_t reasons) {
    tm_json *names = tm_json_array();
    for (unsigned i = 0; i < 62; i++) {
        char bit[16];
        snprintf(bit, sizeof bit, "bit %u", i);
        if (reasons >> i & 1)
            tm_json_push_string(
                names, i < sizeof reason_names / sizeof *reason_names ? reason_names[i] : bit);
    }
    if (reasons & TM_GAUGE_CPU_THERMAL)
        tm_json_push_string(names, "thermal slowdown");
    return names;
}

static tm_json *reading_json(const tm_gauge_reading *reading) {
    const struct {
        const char *key;
        double value;
    } figures[] = {{"clock_mhz", reading->clock_mhz},
                   {"default_mhz", reading->default_mhz},
                   {"max_mhz", reading->max_mhz},
                   {"memory_mhz", reading->memory_mhz},
                   {"temperature_c", reading->temperature_c},
                   {"power_w", reading->power_w}};
    tm_json *object = tm_json_object();
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (figures[i].value > 0)
            tm_json_set_number(object, figures[i].key, figures[i].value);
    if (reading->throttle_reasons & TM_GAUGE_REASONS_KNOWN)
        tm_json_set(object, "throttle_reasons", reasons_json(reading->throttle_reasons));
    return object;
}

tm_json *tm_gauge_to_json(const tm_gauge_reading *before, const tm_gauge_reading *after) {
    bool has_before = before && before->known, has_after = after && after->known;
    if (!has_before && !has_after)
        return NULL;
    tm_json *object = tm_json_object();
    if (has_before)
        tm_json_set(object, "before", reading_json(before));
    if (has_after)
        tm_json_set(object, "after", reading_json(after));
    if (has_before && has_after && before->cpu_wait_us > 0 && after->taken_us > before->taken_us)
        tm_json_set_number(object, "cpu_wait_percent",
                           100 * (after->cpu_wait_us - before->cpu_wait_us) /
                               (after->taken_us - before->taken_us));
    return object;
}
