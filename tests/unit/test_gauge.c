/* The gauge against a libnvidia-ml.so.1 of our own, which stands beside this program in fake_nvml/
 * and fake_nvml_old/, and against folders that look like /sys and /proc. */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/gauge.h"
#include "lib/file.h"
#include "lib/text.h"

/* Loads a fake: a library of that name which is there already is what dlopen then finds. */
static void *load(const char *folder) {
    char self[PATH_MAX], path[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    snprintf(path, sizeof path, "%s/%s/libnvidia-ml.so.1", dirname(self), folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail_msg("%s", dlerror());
    return library;
}

/* Closes it, after a look whether the gauge has let go of it. */
static void unload(void *library) {
    int (*opened)(void);
    *(void **)&opened = dlsym(library, "fake_nvml_opened");
    assert_non_null(opened);
    assert_int_equal(opened(), 0);
    dlclose(library);
}

/* One reading of the fake GPU in the state that the words describe. */
static tm_gauge_reading read_gpu(const char *folder, const char *words, const char *uuid) {
    void *library = load(folder);
    setenv("FAKE_NVML", words, 1);
    tm_gauge *gauge = tm_gauge_open("cuda", uuid);
    assert_non_null(gauge);
    tm_gauge_reading reading;
    bool known = tm_gauge_read(gauge, &reading);
    assert_int_equal(known, reading.known);
    tm_gauge_close(gauge);
    unload(library);
    return reading;
}

static void assert_json(const tm_gauge_reading *before, const tm_gauge_reading *after,
                        const char *wanted) {
    tm_json *json = tm_gauge_to_json(before, after);
    assert_non_null(json);
    char *text = tm_json_print(json, false);
    assert_string_equal(text, wanted);
    free(text);
    tm_json_free(json);
}

static void test_gpu(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml", "", "GPU-fa4e");
    assert_true(reading.known);
    assert_true(reading.throttle_reasons == TM_GAUGE_REASONS_KNOWN);
    assert_false(tm_gauge_is_slow(&reading));
    assert_json(&reading, NULL,
                "{\"before\":{\"clock_mhz\":1755,\"default_mhz\":1740,\"max_mhz\":1980,"
                "\"memory_mhz\":3201,\"temperature_c\":41,\"power_w\":123.456,"
                "\"throttle_reasons\":[]}}");
}

static void test_gpu_without_application_clocks(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml", "defaults", "GPU-fa4e");
    assert_true(reading.default_mhz == 1980);
}

static void test_gpu_that_is_slow(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml", "busy", "GPU-fa4e");
    assert_true(tm_gauge_is_slow(&reading));
    reading.clock_mhz = 1305; /* exactly three quarters */
    assert_false(tm_gauge_is_slow(&reading));
}

/* 345 MHz is what an H200 shows before a program uses it. */
static void test_gpu_at_rest(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml", "busy resting", "GPU-fa4e");
    assert_true(reading.throttle_reasons == (TM_GAUGE_REASONS_KNOWN | TM_GAUGE_IDLE));
    assert_false(tm_gauge_is_slow(&reading));
}

/* A power limit is not noise: recorded, and no reason to measure again. */
static void test_gpu_at_its_power_limit(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml", "busy capped", "GPU-fa4e");
    assert_false(tm_gauge_is_slow(&reading));
    tm_gauge_reading none = {0};
    assert_json(&none, &reading,
                "{\"after\":{\"clock_mhz\":1300,\"default_mhz\":1740,\"max_mhz\":1980,"
                "\"memory_mhz\":3201,\"temperature_c\":41,\"power_w\":123.456,"
                "\"throttle_reasons\":[\"power cap\",\"hardware thermal slowdown\",\"bit 11\"]}}");
}

static void test_instance_of_a_gpu(void **state) {
    (void)state;
    const char *const names[] = {"MIG-51ce", "GPU-51ce"};
    for (size_t i = 0; i < 2; i++)
        assert_true(read_gpu("fake_nvml", "", names[i]).clock_mhz == 1755);
}

static void test_old_driver(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml_old", "busy capped", "GPU-fa4e");
    assert_json(&reading, &reading,
                "{\"before\":{\"clock_mhz\":1300,\"default_mhz\":1740,\"max_mhz\":1980,"
                "\"memory_mhz\":3201,"
                "\"throttle_reasons\":[\"power cap\",\"hardware thermal slowdown\",\"bit 11\"]},"
                "\"after\":{\"clock_mhz\":1300,\"default_mhz\":1740,\"max_mhz\":1980,"
                "\"memory_mhz\":3201,"
                "\"throttle_reasons\":[\"power cap\",\"hardware thermal slowdown\",\"bit 11\"]}}");
    /* Its instances tell nothing, and it has no way to their GPU. */
    assert_false(read_gpu("fake_nvml_old", "", "MIG-51ce").known);
}

static void test_silent_driver(void **state) {
    (void)state;
    tm_gauge_reading reading = read_gpu("fake_nvml", "silent", "GPU-fa4e"), zeros;
    memset(&zeros, 0, sizeof zeros);
    assert_memory_equal(&reading, &zeros, sizeof zeros);
    assert_false(tm_gauge_is_slow(&reading));
    assert_null(tm_gauge_to_json(&reading, &reading));
    assert_null(tm_gauge_to_json(NULL, NULL));
}

static void test_no_device(void **state) {
    (void)state;
    void *library = load("fake_nvml");
    assert_null(tm_gauge_open("cuda", "GPU-0000"));
    assert_null(tm_gauge_open("cuda", ""));
    assert_null(tm_gauge_open("cuda", NULL));
    assert_null(tm_gauge_open("other", "GPU-fa4e"));
    unload(library);
    tm_gauge_reading reading;
    memset(&reading, 1, sizeof reading);
    assert_false(tm_gauge_read(NULL, &reading));
    assert_false(reading.known);
    assert_true(reading.clock_mhz == 0);
    tm_gauge_close(NULL);
}

static void write_below(const char *root, const char *path, const char *text) {
    tm_text full = {0};
    tm_text_format(&full, "%s/%s", root, path);
    assert_true(tm_file_write(full.data, text, strlen(text), NULL));
    tm_text_free(&full);
}

/* A file of a CPU below `root`. */
static void write_cpu(const char *root, int number, const char *name, const char *text) {
    tm_text path = {0};
    tm_text_format(&path, "sys/devices/system/cpu/cpu%d/%s", number, name);
    write_below(root, path.data, text);
    tm_text_free(&path);
}

static int make_root(void **state) {
    char *root = strdup("/tmp/tm_test_gauge.XXXXXX");
    *state = root;
    return root && mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    free(*state);
    return system(command);
}

static int first_cpu(void) {
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (int number = 0; number < CPU_SETSIZE; number++)
        if (CPU_ISSET(number, &allowed))
            return number;
    fail_msg("no CPU is allowed");
    return -1;
}

static tm_gauge_reading read_cpu(tm_gauge *gauge) {
    tm_gauge_reading reading;
    assert_non_null(gauge);
    tm_gauge_read(gauge, &reading);
    return reading;
}

static void test_cpu(void **state) {
    const char *root = *state;
    int number = first_cpu();
    write_cpu(root, number, "cpufreq/scaling_cur_freq", "2100000\n");
    write_cpu(root, number, "cpufreq/cpuinfo_max_freq", "3800000\n");
    write_cpu(root, number, "cpufreq/base_frequency", "2000000\n");
    write_cpu(root, number, "thermal_throttle/core_throttle_count", "7\n");
    tm_gauge *gauge = tm_gauge_open_below(root, "cpu", NULL);
    tm_gauge_reading before = read_cpu(gauge);
    assert_false(tm_gauge_is_slow(&before));
    write_cpu(root, number, "thermal_throttle/core_throttle_count", "8\n");
    write_cpu(root, number, "cpufreq/scaling_cur_freq", "1400000\n");
    tm_gauge_reading after = read_cpu(gauge);
    assert_true(tm_gauge_is_slow(&after));
    assert_json(&before, &after,
                "{\"before\":{\"clock_mhz\":2100,\"default_mhz\":2000,\"max_mhz\":3800,"
                "\"throttle_reasons\":[]},"
                "\"after\":{\"clock_mhz\":1400,\"default_mhz\":2000,\"max_mhz\":3800,"
                "\"throttle_reasons\":[\"thermal slowdown\"]}}");
    after = read_cpu(gauge); /* said once */
    assert_true(after.throttle_reasons == TM_GAUGE_REASONS_KNOWN);
    tm_gauge_close(gauge);
}

/* AMD and Arm; without it a clock far below the turbo is not slow: nothing was promised. */
static void test_cpu_nominal(void **state) {
    const char *root = *state;
    int number = first_cpu();
    write_cpu(root, number, "cpufreq/scaling_cur_freq", "1000000\n");
    write_cpu(root, number, "cpufreq/cpuinfo_max_freq", "3700000\n");
    tm_gauge *gauge = tm_gauge_open_below(root, "cpu", "cpu-0");
    tm_gauge_reading reading = read_cpu(gauge);
    assert_true(reading.clock_mhz == 1000 && reading.default_mhz == 0);
    assert_true(reading.throttle_reasons == 0);
    assert_false(tm_gauge_is_slow(&reading));
    tm_gauge_close(gauge);
    write_cpu(root, number, "acpi_cppc/nominal_freq", "2450\n");
    gauge = tm_gauge_open_below(root, "cpu", "cpu-0");
    reading = read_cpu(gauge);
    assert_true(reading.default_mhz == 2450);
    assert_true(tm_gauge_is_slow(&reading));
    tm_gauge_close(gauge);
}

/* Of two CPUs the faster counts; one CPU's throttling is enough. */
static void test_cpus(void **state) {
    const char *root = *state;
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    if (CPU_COUNT(&allowed) < 2)
        skip();
    int numbers[2], found = 0;
    for (int number = 0; number < CPU_SETSIZE && found < 2; number++)
        if (CPU_ISSET(number, &allowed))
            numbers[found++] = number;
    write_cpu(root, numbers[0], "cpufreq/scaling_cur_freq", "800000");
    write_cpu(root, numbers[1], "cpufreq/scaling_cur_freq", "2900000");
    write_cpu(root, numbers[0], "thermal_throttle/package_throttle_count", "0");
    write_cpu(root, numbers[1], "thermal_throttle/package_throttle_count", "0");
    CPU_ZERO(&allowed); /* no others, so that time is left for both */
    CPU_SET(numbers[0], &allowed);
    CPU_SET(numbers[1], &allowed);
    cpu_set_t saved;
    assert_int_equal(sched_getaffinity(0, sizeof saved, &saved), 0);
    assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    tm_gauge *gauge = tm_gauge_open_below(root, "cpu", NULL);
    tm_gauge_reading reading = read_cpu(gauge);
    assert_true(reading.clock_mhz == 2900);
    write_cpu(root, numbers[0], "thermal_throttle/package_throttle_count", "1");
    reading = read_cpu(gauge);
    assert_true(reading.throttle_reasons & TM_GAUGE_CPU_THERMAL);
    tm_gauge_close(gauge);
    sched_setaffinity(0, sizeof saved, &saved);
}

static void test_cpuinfo(void **state) {
    const char *root = *state;
    write_below(root, "proc/cpuinfo",
                "processor\t: 0\ncpu MHz\t\t: 1196.250\n\nprocessor\t: 1\ncpu MHz\t\t: 2445.430\n\n"
                "processor\t: 2\ncpu MHz\t\t: 1800.000\n");
    tm_gauge *gauge = tm_gauge_open_below(root, "cpu", NULL);
    tm_gauge_reading reading = read_cpu(gauge);
    assert_json(&reading, NULL, "{\"before\":{\"clock_mhz\":2445.43}}");
    tm_gauge_close(gauge);
}

/* Of 4 ms some program waited for a quarter. */
static void test_cpu_wait(void **state) {
    const char *root = *state;
    write_below(root, "proc/pressure/cpu",
                "some avg10=1.00 avg60=2.00 avg300=3.00 total=9000\nfull avg10=0.00 total=0\n");
    tm_gauge *gauge = tm_gauge_open_below(root, "cpu", NULL);
    tm_gauge_reading before = read_cpu(gauge);
    assert_true(before.known);
    assert_true(before.taken_us > 0);
    write_below(root, "proc/pressure/cpu", "some avg10=1.00 total=10000\n");
    tm_gauge_reading after = read_cpu(gauge);
    after.taken_us = before.taken_us + 4000;
    assert_json(&before, &after, "{\"before\":{},\"after\":{},\"cpu_wait_percent\":25}");
    assert_json(&after, &before, "{\"before\":{},\"after\":{}}");
    write_below(root, "proc/pressure/cpu", "full avg10=1.00 total=10000\n");
    before = read_cpu(gauge);
    assert_false(before.known);
    tm_gauge_close(gauge);
}

static void test_empty_root(void **state) {
    tm_gauge *gauge = tm_gauge_open_below(*state, "cpu", NULL);
    tm_gauge_reading reading = read_cpu(gauge);
    assert_false(reading.known);
    tm_gauge_close(gauge);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpu),
        cmocka_unit_test(test_gpu_without_application_clocks),
        cmocka_unit_test(test_gpu_that_is_slow),
        cmocka_unit_test(test_gpu_at_rest),
        cmocka_unit_test(test_gpu_at_its_power_limit),
        cmocka_unit_test(test_instance_of_a_gpu),
        cmocka_unit_test(test_old_driver),
        cmocka_unit_test(test_silent_driver),
        cmocka_unit_test(test_no_device),
        cmocka_unit_test_setup_teardown(test_cpu, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_cpu_nominal, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_cpus, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_cpuinfo, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_cpu_wait, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_empty_root, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
