#include "harness/gauge_cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUDGET_NS 500000
/* A CPU takes about 1.5 kB of /proc/cpuinfo, and the kernel writes it anew for each reader. */
#define CPUINFO_BYTES 16384

struct tm_gauge_cpu {
    char *root;
    double default_mhz, max_mhz;   /* the largest; 0 where none is shown */
    int count;                     /* of the CPUs that we may run on */
    int numbers[CPU_SETSIZE];      /* ascending */
    double throttled[CPU_SETSIZE]; /* their counts at the last reading; negative: none is shown */
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The start of a file as text, without what does not fit. False when there is none. */
static bool read_text(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    text[length] = '\0';
    return length > 0;
}

/* The number in /sys/devices/system/cpu/cpu<number>/<name>; -1 when there is none. */
static double read_number(const tm_gauge_cpu *cpu, int number, const char *name) {
    char path[PATH_MAX], text[64], *end;
    if (snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/%s", cpu->root, number,
                 name) >= (int)sizeof path ||
        !read_text(path, text, sizeof text))
        return -1;
    double value = strtod(text, &end);
    return end > text && value >= 0 ? value : -1;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* Package counts are shown by each CPU of the package, which does no harm to a comparison. */
static double throttle_count(const tm_gauge_cpu *cpu, int number) {
    double core = read_number(cpu, number, "thermal_throttle/core_throttle_count");
    double package = read_number(cpu, number, "thermal_throttle/package_throttle_count");
    return core < 0 ? package : core + larger(package, 0);
}

tm_gauge_cpu *tm_gauge_cpu_open(const char *root) {
    tm_gauge_cpu *cpu = calloc(1, sizeof *cpu);
    char *copy = strdup(root);
    cpu_set_t allowed;
    if (!cpu || !copy || sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        free(copy);
        free(cpu);
        return NULL;
    }
    cpu->root = copy;
    for (int number = 0; number < CPU_SETSIZE; number++)
        if (CPU_ISSET(number, &allowed)) {
            double max_khz = read_number(cpu, number, "cpufreq/cpuinfo_max_freq");
            double default_khz = read_number(cpu, number, "cpufreq/base_frequency"); /* Intel */
            if (default_khz <= 0) /* AMD, Arm; in MHz */
                default_khz = read_number(cpu, number, "acpi_cppc/nominal_freq") * 1e3;
            cpu->max_mhz = larger(cpu->max_mhz, max_khz / 1e3);
            cpu->default_mhz = larger(cpu->default_mhz, default_khz / 1e3);
            cpu->throttled[cpu->count] = throttle_count(cpu, number);
            cpu->numbers[cpu->count++] = number;
        }
    return cpu;
}

void tm_gauge_cpu_close(tm_gauge_cpu *cpu) {
    if (!cpu)
        return;
    free(cpu->root);
    free(cpu);
}

/* The largest "cpu MHz" of the first CPUs; 0 where the architecture shows none. */
static double cpuinfo_mhz(const tm_gauge_cpu *cpu) {
    char path[PATH_MAX], text[CPUINFO_BYTES];
    double most = 0;
    if (snprintf(path, sizeof path, "%s/proc/cpuinfo", cpu->root) >= (int)sizeof path ||
        !read_text(path, text, sizeof text))
        return 0;
    for (const char *line = text; (line = strstr(line, "cpu MHz")) != NULL; line++) {
        const char *colon = strchr(line, ':');
        if (colon)
            most = larger(most, strtod(colon + 1, NULL));
    }
    return most;
}

/* "some avg10=... total=MICROSECONDS" of the kernel's pressure stall information; 0 without it. */
static double cpu_wait_us(const tm_gauge_cpu *cpu) {
    char path[PATH_MAX], text[256];
    if (snprintf(path, sizeof path, "%s/proc/pressure/cpu", cpu->root) >= (int)sizeof path ||
        !read_text(path, text, sizeof text) || strncmp(text, "some ", 5) != 0)
        return 0;
    const char *total = strstr(text, "total=");
    return total ? strtod(total + strlen("total="), NULL) : 0;
}

void tm_gauge_cpu_read(tm_gauge_cpu *cpu, tm_gauge_reading *reading) {
    double deadline = now_ns() + BUDGET_NS;
    int here = sched_getcpu(), first = 0;
    for (int i = 0; i < cpu->count; i++)
        if (cpu->numbers[i] == here)
            first = i;
    for (int i = 0; i < cpu->count && (i == 0 || now_ns() < deadline); i++) {
        int at = (first + i) % cpu->count, number = cpu->numbers[at];
        double clock_khz = read_number(cpu, number, "cpufreq/scaling_cur_freq");
        double throttled = throttle_count(cpu, number);
        /* The fastest CPU: those that rest are slow, and say nothing about the work. */
        reading->clock_mhz = larger(reading->clock_mhz, clock_khz / 1e3);
        if (throttled >= 0) {
            reading->throttle_reasons |= TM_GAUGE_REASONS_KNOWN;
            if (throttled > cpu->throttled[at])
                reading->throttle_reasons |= TM_GAUGE_CPU_THERMAL;
            cpu->throttled[at] = throttled;
        }
    }
    reading->taken_us = now_ns() / 1e3;
    reading->cpu_wait_us = cpu_wait_us(cpu);
    reading->default_mhz = cpu->default_mhz;
    reading->max_mhz = cpu->max_mhz;
    if (reading->clock_mhz <= 0)
        reading->clock_mhz = cpuinfo_mhz(cpu);
}
