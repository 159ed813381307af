/* gauge: clocks, temperature, power and throttling of the device, read beside a measurement.
 *
 * GPU: NVML, loaded at run time; its header is not needed. CPU: sysfs, else /proc/cpuinfo. What
 * cannot be read is unknown and never an error. Deliberately does not know cells, traces or what
 * is to be done about a slow clock. */
#ifndef TM_GAUGE_H
#define TM_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/json.h"

/* Plain data; all zeros: nothing is known. A number that is 0 is unknown. */
typedef struct {
    bool known;           /* at least one of the others is */
    double clock_mhz;     /* now: of the SMs, or of the fastest CPU that we may run on */
    double default_mhz;   /* what the maker promises for sustained work */
    double max_mhz;       /* for short bursts at best */
    double memory_mhz;    /* now; GPU only */
    double temperature_c; /* GPU only */
    double power_w;       /* GPU only; the driver's average over about a second on newer ones */
    uint64_t throttle_reasons; /* TM_GAUGE_* bits */
    double taken_us;    /* CPU only, like the next: when this was read, by the monotonic clock */
    double cpu_wait_us; /* in which some program waited for a CPU, since the system was started */
} tm_gauge_reading;

/* NVML's bits (nvmlClocksEventReasons), and two of ours far above them. */
#define TM_GAUGE_IDLE UINT64_C(0x1)
#define TM_GAUGE_POWER_CAP UINT64_C(0x4)
#define TM_GAUGE_CPU_THERMAL (UINT64_C(1) << 62) /* a CPU has throttled since the last reading */
#define TM_GAUGE_REASONS_KNOWN (UINT64_C(1) << 63)

typedef struct tm_gauge tm_gauge;

/* The gauge of a device ("cuda": by its UUID as in device.json, also of a MIG instance; "cpu": the
 * UUID is not looked at). NULL when there is nothing to be read. Takes milliseconds on a GPU: keep
 * it. tm_gauge_close ends it. */
tm_gauge *tm_gauge_open(const char *backend, const char *device_uuid);
/* The same with the CPU's /sys and /proc looked for below the folder `root`. */
tm_gauge *tm_gauge_open_below(const char *root, const char *backend, const char *device_uuid);
void tm_gauge_close(tm_gauge *gauge);

/* Reads what can be read in well below a millisecond; right after timed work, since a device at
 * rest clocks down. False, and all zeros, when nothing is known or `gauge` is NULL. */
bool tm_gauge_read(tm_gauge *gauge, tm_gauge_reading *reading);

/* True when the clock is known to be below three quarters of the default one, and neither of two
 * reasons is given: the power limit holds it there, as in every long matrix product, which no pause
 * mends; or the device rests, and then its clock says nothing about work. */
bool tm_gauge_is_slow(const tm_gauge_reading *reading);

/* {"before": {...}, "after": {...}, "cpu_wait_percent": ...} for a trace; what is unknown is left
 * out. NULL when nothing is known. Either may be NULL. The caller owns it. */
tm_json *tm_gauge_to_json(const tm_gauge_reading *before, const tm_gauge_reading *after);

#endif
