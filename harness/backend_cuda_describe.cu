#include "harness/backend_cuda_describe.h"

#include <ctype.h>
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "harness/backend.h"
#include "harness/backend_cuda_cupti.h"
#include "harness/backend_cuda_error.h"

#define VERSION_BYTES 96

/* "13.0" of 13000. */
static void format_version(int version, char *text) {
    snprintf(text, VERSION_BYTES, "%d.%d", version / 1000, version % 1000 / 10);
}

bool tm_cuda_describe_count(int *count, char *error) {
    cudaError_t status = cudaGetDeviceCount(count);
    if (status == cudaSuccess && *count > 0)
        return true;
    if (status == cudaSuccess)
        status = cudaErrorNoDevice;
    (void)cudaGetLastError();
    int driver = 0; /* stays 0 without an installed driver */
    if (cudaDriverGetVersion(&driver) != cudaSuccess)
        (void)cudaGetLastError();
    if (status == cudaErrorInsufficientDriver && driver > 0) {
        char have[VERSION_BYTES];
        char need[VERSION_BYTES];
        format_version(driver, have);
        format_version(CUDART_VERSION, need);
        tm_cuda_say(
            error,
            "NVIDIA driver: expected one for CUDA %s, got one for CUDA %s; update the driver, "
            "or build with an older toolkit",
            need, have);
    } else if (status == cudaErrorInsufficientDriver || status == cudaErrorNoDevice) {
        tm_cuda_say(error,
                    "no CUDA device: cudaGetDeviceCount: %s: %s; run on a machine with a GPU or "
                    "configure with --arch=cpu",
                    cudaGetErrorName(status), cudaGetErrorString(status));
    } else {
        (void)tm_cuda_passed(status, "cudaGetDeviceCount", error);
    }
    return false;
}

static tm_json *describe_device(int index, char *error) {
    struct cudaDeviceProp properties;
    if (!tm_cuda_passed(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties",
                        error))
        return NULL;
    char uuid[48];
    size_t length = (size_t)snprintf(uuid, sizeof uuid, "GPU");
    for (int i = 0; i < 16; i++) {
        bool group = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
        length += (size_t)snprintf(uuid + length, sizeof uuid - length, "%s%02x", group ? "-" : "",
                                   (unsigned char)properties.uuid.bytes[i]);
    }
    char capability[VERSION_BYTES];
    snprintf(capability, sizeof capability, "%d.%d", properties.major, properties.minor);
    tm_json *device = tm_json_object();
    tm_json_set_int(device, "index", index);
    tm_json_set_string(device, "name", properties.name);
    tm_json_set_string(device, "uuid", uuid);
    tm_json_set_string(device, "compute_capability", capability);
    tm_json_set_int(device, "multiprocessors", properties.multiProcessorCount);
    tm_json_set_int(device, "l2_bytes", properties.l2CacheSize);
    tm_json_set_int(device, "memory_bytes", (int64_t)properties.totalGlobalMem);
    return device;
}

/* The first line reads "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  <date>"; the
 * version is its first word of digits and dots. */
static bool driver_from_proc(char *text) {
    FILE *file = fopen("/proc/driver/nvidia/version", "r");
    if (!file)
        return false;
    char line[256];
    bool found = false;
    if (fgets(line, sizeof line, file)) {
        char *rest = NULL;
        for (char *word = strtok_r(line, " \t\n", &rest); word && !found;
             word = strtok_r(NULL, " \t\n", &rest)) {
            found = isdigit((unsigned char)word[0]) && strchr(word, '.') &&
                    strspn(word, "0123456789.") == strlen(word);
            if (found)
                snprintf(text, VERSION_BYTES, "%s", word);
        }
    }
    fclose(file);
    return found;
}

/* The same from NVML, which comes with the driver; nvml.h is not needed for three functions. */
static bool driver_from_nvml(char *text) {
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    int (*init)(void) = (int (*)(void))dlsym(library, "nvmlInit_v2");
    int (*get)(char *, unsigned) =
        (int (*)(char *, unsigned))dlsym(library, "nvmlSystemGetDriverVersion");
    int (*shutdown)(void) = (int (*)(void))dlsym(library, "nvmlShutdown");
    bool found = false;
    if (init && get && shutdown && init() == 0) {
        found = get(text, VERSION_BYTES) == 0;
        (void)shutdown();
    }
    return found; /* the library stays loaded, so that it is listed among what was used */
}

const char *tm_cuda_describe_clock(bool has_cupti) {
    return has_cupti ? "cupti" : "cuda events";
}

/* The clock that a worker will have, by trying it as backend_open does. */
static void describe_clock(tm_json *description, tm_json *libs) {
    char without[TM_BACKEND_ERROR_BYTES], version[VERSION_BYTES];
    bool has_cupti = tm_cupti_start(without, sizeof without);
    tm_json_set_string(description, "clock", tm_cuda_describe_clock(has_cupti));
    if (tm_cupti_version(version, sizeof version))
        tm_json_set_string(libs, "cupti", version);
    tm_cupti_stop();
}

tm_json *tm_cuda_describe(char *error) {
    int count = 0;
    int runtime = 0;
    int driver = 0;
    if (!tm_cuda_describe_count(&count, error) ||
        !tm_cuda_passed(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion", error) ||
        !tm_cuda_passed(cudaDriverGetVersion(&driver), "cudaDriverGetVersion", error))
        return NULL;
    tm_json *description = tm_json_object();
    tm_json *devices = tm_json_array();
    tm_json *libs = tm_json_object();
    tm_json_set_string(description, "backend", "cuda");
    tm_json_set(description, "devices", devices);
    tm_json_set(description, "libs", libs);
    for (int i = 0; i < count; i++) {
        tm_json *device = describe_device(i, error);
        if (!device) {
            tm_json_free(description);
            return NULL;
        }
        tm_json_push(devices, device);
    }
    char version[VERSION_BYTES];
    format_version(runtime, version);
    tm_json_set_string(libs, "cuda_runtime", version);
    format_version(driver, version);
    tm_json_set_string(libs, "cuda_driver", version);
    /* Left out where neither source is readable, as in some containers. */
    if (driver_from_proc(version) || driver_from_nvml(version))
        tm_json_set_string(libs, "nvidia_driver", version);
    describe_clock(description, libs);
    return description;
}
