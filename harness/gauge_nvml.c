#include "harness/gauge_nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* nvml.h: nvmlReturn_t and the enums are ints, a device is a pointer. */
enum { NVML_SUCCESS = 0, NVML_CLOCK_SM = 1, NVML_CLOCK_MEM = 2, NVML_TEMPERATURE_GPU = 0 };
typedef struct nvml_device *device_handle;
typedef int clock_function(device_handle device, int kind, unsigned *value);

struct tm_gauge_nvml {
    void *library;
    device_handle device;
    int (*shutdown)(void);
    clock_function *clock, *temperature;
    int (*power)(device_handle device, unsigned *milliwatts);
    int (*reasons)(device_handle device, unsigned long long *bits);
    double default_mhz, max_mhz;
};

/* ISO C has no conversion between pointers to objects and to functions; POSIX promises it. */
#define LOAD(pointer, library, name) (*(void **)(&(pointer)) = dlsym(library, name))

static bool find(void *library, const char *uuid, device_handle *device) {
    int (*by_uuid)(const char *name, device_handle *found);
    LOAD(by_uuid, library, "nvmlDeviceGetHandleByUUID");
    if (!by_uuid)
        return false;
    if (by_uuid(uuid, device) != NVML_SUCCESS) {
        /* CUDA gives the UUID of a MIG instance where that of the GPU is expected. */
        char mig[96];
        snprintf(mig, sizeof mig, "MIG-%s", strncmp(uuid, "GPU-", 4) == 0 ? uuid + 4 : uuid);
        if (by_uuid(mig, device) != NVML_SUCCESS)
            return false;
    }
    /* Clocks, power and heat are the whole GPU's. It fails for a handle of no MIG instance. */
    int (*parent)(device_handle instance, device_handle * found);
    LOAD(parent, library, "nvmlDeviceGetDeviceHandleFromMigDeviceHandle");
    device_handle whole = NULL;
    if (parent && parent(*device, &whole) == NVML_SUCCESS && whole)
        *device = whole;
    return true;
}

static double ask(clock_function *function, device_handle device, int kind) {
    unsigned value = 0;
    return function && function(device, kind, &value) == NVML_SUCCESS ? value : 0;
}

tm_gauge_nvml *tm_gauge_nvml_open(const char *device_uuid) {
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return NULL;
    int (*init)(void);
    LOAD(init, library, "nvmlInit_v2");
    tm_gauge_nvml *nvml = init && init() == NVML_SUCCESS ? calloc(1, sizeof *nvml) : NULL;
    if (!nvml) {
        dlclose(library);
        return NULL;
    }
    nvml->library = library;
    LOAD(nvml->shutdown, library, "nvmlShutdown");
    if (!find(library, device_uuid, &nvml->device)) {
        tm_gauge_nvml_close(nvml);
        return NULL;
    }
    LOAD(nvml->clock, library, "nvmlDeviceGetClockInfo");
    LOAD(nvml->temperature, library, "nvmlDeviceGetTemperature");
    LOAD(nvml->power, library, "nvmlDeviceGetPowerUsage");
    LOAD(nvml->reasons, library, "nvmlDeviceGetCurrentClocksEventReasons");
    if (!nvml->reasons) /* its name before driver 535 */
        LOAD(nvml->reasons, library, "nvmlDeviceGetCurrentClocksThrottleReasons");
    clock_function *standard, *most;
    LOAD(standard, library, "nvmlDeviceGetDefaultApplicationsClock");
    LOAD(most, library, "nvmlDeviceGetMaxClockInfo");
    nvml->max_mhz = ask(most, nvml->device, NVML_CLOCK_SM);
    nvml->default_mhz = ask(standard, nvml->device, NVML_CLOCK_SM);
    if (nvml->default_mhz <= 0) /* not every GPU and driver has application clocks */
        nvml->default_mhz = nvml->max_mhz;
    /* The first reading takes 5 ms, later ones 20 us or less (H200, driver 580). */
    tm_gauge_reading first = {0};
    tm_gauge_nvml_read(nvml, &first);
    return nvml;
}

void tm_gauge_nvml_close(tm_gauge_nvml *nvml) {
    if (!nvml)
        return;
    if (nvml->shutdown)
        nvml->shutdown();
    dlclose(nvml->library);
    free(nvml);
}

void tm_gauge_nvml_read(tm_gauge_nvml *nvml, tm_gauge_reading *reading) {
    /* The clock first: it is what falls when the device rests. */
    reading->clock_mhz = ask(nvml->clock, nvml->device, NVML_CLOCK_SM);
    unsigned long long bits = 0;
    if (nvml->reasons && nvml->reasons(nvml->device, &bits) == NVML_SUCCESS)
        reading->throttle_reasons = bits | TM_GAUGE_REASONS_KNOWN;
    reading->memory_mhz = ask(nvml->clock, nvml->device, NVML_CLOCK_MEM);
    reading->default_mhz = nvml->default_mhz;
    reading->max_mhz = nvml->max_mhz;
    reading->temperature_c = ask(nvml->temperature, nvml->device, NVML_TEMPERATURE_GPU);
    unsigned milliwatts = 0;
    if (nvml->power && nvml->power(nvml->device, &milliwatts) == NVML_SUCCESS)
        reading->power_w = milliwatts / 1e3;
}
