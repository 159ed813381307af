/* A libnvidia-ml.so.1 for test_gauge: one GPU, one MIG instance of it, numbers that a test can
 * know.
 *
 * FAKE_NVML in the environment is a list of words: "busy" (below three quarters of the default
 * clock), "capped" (its power limit is why), "resting" (rest is), "defaults" (no application
 * clocks), "silent" (no question is answered). Built with FAKE_OLD it lacks what old drivers lack.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

struct fake {
    bool is_instance;
};
static struct fake gpu, instance = {true};
static int opened;

/* How many inits have had no shutdown yet. */
int fake_nvml_opened(void);
int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetHandleByUUID(const char *uuid, struct fake **device);
int nvmlDeviceGetClockInfo(struct fake *device, int kind, unsigned *mhz);
int nvmlDeviceGetMaxClockInfo(struct fake *device, int kind, unsigned *mhz);
int nvmlDeviceGetDefaultApplicationsClock(struct fake *device, int kind, unsigned *mhz);
int nvmlDeviceGetCurrentClocksEventReasons(struct fake *device, unsigned long long *bits);
int nvmlDeviceGetCurrentClocksThrottleReasons(struct fake *device, unsigned long long *bits);
int nvmlDeviceGetTemperature(struct fake *device, int sensor, unsigned *celsius);
int nvmlDeviceGetPowerUsage(struct fake *device, unsigned *milliwatts);
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct fake *device, struct fake **whole);

static bool is(const char *word) {
    const char *words = getenv("FAKE_NVML");
    return words && strstr(words, word);
}

/* Nothing but a UUID is asked of a MIG instance. */
static int answer(const struct fake *device, unsigned value, unsigned *into) {
    if (device->is_instance || is("silent"))
        return NOT_SUPPORTED;
    *into = value;
    return SUCCESS;
}

int fake_nvml_opened(void) {
    return opened;
}

int nvmlInit_v2(void) {
    opened++;
    return SUCCESS;
}

int nvmlShutdown(void) {
    opened--;
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, struct fake **device) {
    if (strcmp(uuid, "GPU-fa4e") == 0)
        *device = &gpu;
    else if (strcmp(uuid, "MIG-51ce") == 0)
        *device = &instance;
    else
        return NOT_FOUND;
    return SUCCESS;
}

int nvmlDeviceGetClockInfo(struct fake *device, int kind, unsigned *mhz) {
    return answer(device, kind == 2 ? 3201 : is("busy") ? 1300 : 1755, mhz);
}

int nvmlDeviceGetMaxClockInfo(struct fake *device, int kind, unsigned *mhz) {
    return answer(device, kind == 2 ? 3201 : 1980, mhz);
}

int nvmlDeviceGetDefaultApplicationsClock(struct fake *device, int kind, unsigned *mhz) {
    return is("defaults") ? NOT_SUPPORTED : answer(device, kind == 2 ? 3201 : 1740, mhz);
}

static int reasons(struct fake *device, unsigned long long *bits) {
    unsigned value = 0;
    int result = answer(device, is("capped") ? 0x4 | 0x40 | 0x800 : is("resting"), &value);
    *bits = value;
    return result;
}

#ifdef FAKE_OLD
int nvmlDeviceGetCurrentClocksThrottleReasons(struct fake *device, unsigned long long *bits) {
    return reasons(device, bits);
}
#else
int nvmlDeviceGetCurrentClocksEventReasons(struct fake *device, unsigned long long *bits) {
    return reasons(device, bits);
}

int nvmlDeviceGetTemperature(struct fake *device, int sensor, unsigned *celsius) {
    return sensor == 0 ? answer(device, 41, celsius) : NOT_SUPPORTED;
}

int nvmlDeviceGetPowerUsage(struct fake *device, unsigned *milliwatts) {
    return answer(device, 123456, milliwatts);
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct fake *device, struct fake **whole) {
    if (!device->is_instance)
        return NOT_FOUND;
    *whole = &gpu;
    return SUCCESS;
}
#endif
