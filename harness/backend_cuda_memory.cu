#include "harness/backend_cuda_memory.h"

#include <cuda.h>
#include <cuda_runtime.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/backend_cuda_error.h"
#include "harness/pool.h"

/* Of each of two pinned buffers: the host copies one while the device copies the other. */
#define STAGING_BYTES ((size_t)16 << 20)
/* Of the caller's memory; more than that goes through the staging buffers. */
#define PINNED_MAX 16
/* Of the free memory of the device, this part may lie idle here. */
#define IDLE_PART 4

/* Of the driver's library, which is there only where a driver is: hence no link to it. */
typedef struct {
    decltype(&cuMemGetAllocationGranularity) granularity;
    decltype(&cuMemAddressReserve) reserve;
    decltype(&cuMemAddressFree) unreserve;
    decltype(&cuMemCreate) create;
    decltype(&cuMemRelease) release;
    decltype(&cuMemMap) map;
    decltype(&cuMemUnmap) unmap;
    decltype(&cuMemSetAccess) set_access;
    decltype(&cuDeviceGetAttribute) attribute;
} driver_functions;

typedef struct {
    const unsigned char *begin; /* NULL: unused */
    size_t bytes;
} pinned_range;

struct tm_cuda_memory {
    int device;
    cudaStream_t stream;
    tm_pool pool;
    driver_functions driver;
    unsigned char *staging[2]; /* NULL until the first copy */
    cudaEvent_t staged[2];     /* the device is done with that staging buffer */
    pinned_range pinned[PINNED_MAX];
};

/* ---- guarded memory ---- */

static bool find_function(const char *name, void *function) {
    cudaDriverEntryPointQueryResult found;
#if CUDART_VERSION >= 12050
    cudaError_t status =
        cudaGetDriverEntryPointByVersion(name, (void **)function, 10020, cudaEnableDefault, &found);
#else
    cudaError_t status =
        cudaGetDriverEntryPoint(name, (void **)function, cudaEnableDefault, &found);
#endif
    if (status != cudaSuccess)
        (void)cudaGetLastError();
    return status == cudaSuccess && found == cudaDriverEntryPointSuccess;
}

/* Whether this driver and this device can map memory page by page. */
static bool find_driver(tm_cuda_memory *memory) {
    driver_functions *driver = &memory->driver;
    int supported = 0;
    return find_function("cuMemGetAllocationGranularity", &driver->granularity) &&
           find_function("cuMemAddressReserve", &driver->reserve) &&
           find_function("cuMemAddressFree", &driver->unreserve) &&
           find_function("cuMemCreate", &driver->create) &&
           find_function("cuMemRelease", &driver->release) &&
           find_function("cuMemMap", &driver->map) && find_function("cuMemUnmap", &driver->unmap) &&
           find_function("cuMemSetAccess", &driver->set_access) &&
           find_function("cuDeviceGetAttribute", &driver->attribute) &&
           driver->attribute(&supported, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED,
                             memory->device) == CUDA_SUCCESS &&
           supported;
}

static CUmemAllocationProp properties_of(const tm_cuda_memory *memory) {
    CUmemAllocationProp properties;
    memset(&properties, 0, sizeof properties);
    properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = memory->device;
    return properties;
}

/* Reserves one granule of addresses more than it maps: what touches that one faults. */
static bool map_guarded(void *owner, size_t bytes, tm_pool_mapping *mapping) {
    const tm_cuda_memory *memory = (const tm_cuda_memory *)owner;
    const driver_functions *driver = &memory->driver;
    size_t reserved = bytes + memory->pool.granule;
    CUmemAllocationProp properties = properties_of(memory);
    CUmemAccessDesc access = {properties.location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUmemGenericAllocationHandle handle;
    CUdeviceptr base = 0;
    if (driver->reserve(&base, reserved, 0, 0, 0) != CUDA_SUCCESS)
        return false;
    if (driver->create(&handle, bytes, &properties, 0) == CUDA_SUCCESS) {
        bool mapped = driver->map(base, bytes, 0, handle, 0) == CUDA_SUCCESS;
        (void)driver->release(handle); /* lives on as long as it is mapped */
        if (mapped && driver->set_access(base, bytes, &access, 1) == CUDA_SUCCESS) {
            mapping->base = (char *)base;
            mapping->bytes = bytes;
            return true;
        }
        if (mapped)
            (void)driver->unmap(base, bytes);
    }
    (void)driver->unreserve(base, reserved);
    return false;
}

static void unmap_guarded(void *owner, const tm_pool_mapping *mapping) {
    const tm_cuda_memory *memory = (const tm_cuda_memory *)owner;
    /* Only after a fault do these fail, and then the process is about to end. */
    (void)memory->driver.unmap((CUdeviceptr)mapping->base, mapping->bytes);
    (void)memory->driver.unreserve((CUdeviceptr)mapping->base,
                                   mapping->bytes + memory->pool.granule);
}

/* Without a guard, where the driver or the device cannot map. */
static bool map_plain(void *owner, size_t bytes, tm_pool_mapping *mapping) {
    (void)owner;
    mapping->bytes = bytes;
    bool mapped = cudaMalloc((void **)&mapping->base, bytes) == cudaSuccess;
    if (!mapped)
        (void)cudaGetLastError();
    return mapped;
}

static void unmap_plain(void *owner, const tm_pool_mapping *mapping) {
    (void)owner;
    /* A failure, such as memory that a solution has freed, stays pending for the next sync. */
    (void)cudaFree(mapping->base);
}

tm_cuda_memory *tm_cuda_memory_open(int device, struct CUstream_st *stream, char *error) {
    size_t free_bytes = 0, total_bytes = 0, granule = 0;
    if (!tm_cuda_passed(cudaMemGetInfo(&free_bytes, &total_bytes), "cudaMemGetInfo", error))
        return NULL;
    tm_cuda_memory *memory = (tm_cuda_memory *)calloc(1, sizeof *memory);
    if (!memory) {
        tm_cuda_say(error, "out of host memory");
        return NULL;
    }
    memory->device = device;
    memory->stream = stream;
    memory->pool.owner = memory;
    memory->pool.idle_bytes_max = free_bytes / IDLE_PART;
    CUmemAllocationProp properties = properties_of(memory);
    bool guarded = find_driver(memory) &&
                   memory->driver.granularity(&granule, &properties,
                                              CU_MEM_ALLOC_GRANULARITY_MINIMUM) == CUDA_SUCCESS &&
                   granule % TM_POOL_ALIGNMENT == 0 && granule > 0;
    memory->pool.map = guarded ? map_guarded : map_plain;
    memory->pool.unmap = guarded ? unmap_guarded : unmap_plain;
    memory->pool.granule = guarded ? granule : TM_POOL_ALIGNMENT;
    if (!guarded)
        fprintf(stderr,
                "tracemill: note: device %d: memory has no guard pages: the driver cannot "
                "map it page by page\n",
                device);
    return memory;
}

void tm_cuda_memory_close(tm_cuda_memory *memory) {
    if (!memory)
        return;
    for (int i = 0; i < 2; i++) {
        if (memory->staged[i])
            (void)cudaEventDestroy(memory->staged[i]);
        if (memory->staging[i])
            (void)cudaFreeHost(memory->staging[i]);
    }
    for (int i = 0; i < PINNED_MAX; i++)
        tm_cuda_memory_unpin(memory, memory->pinned[i].begin);
    (void)cudaDeviceSynchronize(); /* nothing is unmapped under a kernel */
    tm_pool_free(&memory->pool);
    free(memory);
}

void *tm_cuda_memory_alloc(tm_cuda_memory *memory, size_t bytes, char *error) {
    void *device = tm_pool_take(&memory->pool, bytes);
    if (device)
        return device;
    size_t free_bytes = 0, total_bytes = 0;
    if (cudaMemGetInfo(&free_bytes, &total_bytes) == cudaSuccess) {
        tm_cuda_say(error, "%zu bytes of device memory cannot be had; %zu of %zu bytes are free",
                    bytes, free_bytes, total_bytes);
    } else {
        (void)cudaGetLastError();
        tm_cuda_say(error, "%zu bytes of device memory cannot be had", bytes);
    }
    return NULL;
}

void tm_cuda_memory_free(tm_cuda_memory *memory, void *device) {
    /* A failure stays with the device for the next sync. */
    (void)cudaSetDevice(memory->device);
    (void)cudaDeviceSynchronize();
    tm_pool_give(&memory->pool, device);
}

/* ---- pinned host memory ---- */

bool tm_cuda_memory_pin(tm_cuda_memory *memory, void *host, size_t bytes, char *error) {
    (void)error;
    int slot = 0;
    while (slot < PINNED_MAX && memory->pinned[slot].begin)
        slot++;
    if (slot == PINNED_MAX || !host || bytes == 0)
        return true;
    if (cudaHostRegister(host, bytes, cudaHostRegisterDefault) != cudaSuccess) {
        (void)cudaGetLastError(); /* the limit of locked memory, say: the staging buffers do */
        return true;
    }
    memory->pinned[slot].begin = (const unsigned char *)host;
    memory->pinned[slot].bytes = bytes;
    return true;
}

void tm_cuda_memory_unpin(tm_cuda_memory *memory, const void *host) {
    for (int i = 0; host && i < PINNED_MAX; i++)
        if (memory->pinned[i].begin == host) {
            (void)cudaHostUnregister((void *)host);
            memory->pinned[i].begin = NULL;
            return;
        }
}

static bool is_pinned(const tm_cuda_memory *memory, const void *host, size_t bytes) {
    const unsigned char *at = (const unsigned char *)host;
    for (int i = 0; i < PINNED_MAX; i++) {
        const pinned_range *range = &memory->pinned[i];
        if (range->begin && at >= range->begin && bytes <= range->bytes &&
            (size_t)(at - range->begin) <= range->bytes - bytes)
            return true;
    }
    return false;
}

/* ---- copies ---- */

/* From or to memory that the device reaches by itself. */
static bool copy_in_place(tm_cuda_memory *memory, void *to, const void *from, size_t bytes,
                          char *error) {
    return tm_cuda_passed(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, memory->stream),
                          "cudaMemcpyAsync of pinned memory", error) &&
           tm_cuda_passed(cudaStreamSynchronize(memory->stream), "cudaStreamSynchronize", error);
}

/* The staging buffers, at the first copy: page-locking them takes milliseconds. */
static bool need_staging(tm_cuda_memory *memory, char *error) {
    for (int i = 0; i < 2; i++) {
        if (!memory->staging[i] &&
            !tm_cuda_passed(cudaMallocHost((void **)&memory->staging[i], STAGING_BYTES),
                            "cudaMallocHost of a staging buffer", error))
            return false;
        if (!memory->staged[i] &&
            !tm_cuda_passed(cudaEventCreateWithFlags(&memory->staged[i], cudaEventDisableTiming),
                            "cudaEventCreateWithFlags", error))
            return false;
    }
    return true;
}

static size_t chunk_bytes(size_t bytes, size_t begin) {
    return bytes - begin < STAGING_BYTES ? bytes - begin : STAGING_BYTES;
}

bool tm_cuda_memory_upload(tm_cuda_memory *memory, void *device, const void *host, size_t bytes,
                           char *error) {
    if (bytes == 0)
        return true;
    if (is_pinned(memory, host, bytes))
        return copy_in_place(memory, device, host, bytes, error);
    if (!need_staging(memory, error))
        return false;
    int slot = 0;
    for (size_t begin = 0; begin < bytes; begin += STAGING_BYTES, slot ^= 1) {
        size_t length = chunk_bytes(bytes, begin);
        /* An event that was never recorded, and one of an earlier copy, have passed. */
        if (!tm_cuda_passed(cudaEventSynchronize(memory->staged[slot]), "cudaEventSynchronize",
                            error))
            return false;
        memcpy(memory->staging[slot], (const unsigned char *)host + begin, length);
        if (!tm_cuda_passed(cudaMemcpyAsync((unsigned char *)device + begin, memory->staging[slot],
                                            length, cudaMemcpyHostToDevice, memory->stream),
                            "cudaMemcpyAsync to the device", error) ||
            !tm_cuda_passed(cudaEventRecord(memory->staged[slot], memory->stream),
                            "cudaEventRecord", error))
            return false;
    }
    return tm_cuda_passed(cudaStreamSynchronize(memory->stream), "cudaStreamSynchronize", error);
}

/* Queues the copy of the chunk at `begin` into a staging buffer. */
static bool fetch_chunk(tm_cuda_memory *memory, int slot, const void *device, size_t bytes,
                        size_t begin, char *error) {
    return tm_cuda_passed(
               cudaMemcpyAsync(memory->staging[slot], (const unsigned char *)device + begin,
                               chunk_bytes(bytes, begin), cudaMemcpyDeviceToHost, memory->stream),
               "cudaMemcpyAsync from the device", error) &&
           tm_cuda_passed(cudaEventRecord(memory->staged[slot], memory->stream), "cudaEventRecord",
                          error);
}

bool tm_cuda_memory_download(tm_cuda_memory *memory, void *host, const void *device, size_t bytes,
                             char *error) {
    if (bytes == 0)
        return true;
    if (is_pinned(memory, host, bytes))
        return copy_in_place(memory, host, device, bytes, error);
    if (!need_staging(memory, error) || !fetch_chunk(memory, 0, device, bytes, 0, error))
        return false;
    int slot = 0;
    for (size_t begin = 0; begin < bytes; begin += STAGING_BYTES, slot ^= 1) {
        size_t next = begin + STAGING_BYTES;
        if (next < bytes && !fetch_chunk(memory, slot ^ 1, device, bytes, next, error))
            return false;
        if (!tm_cuda_passed(cudaEventSynchronize(memory->staged[slot]), "cudaEventSynchronize",
                            error))
            return false;
        memcpy((unsigned char *)host + begin, memory->staging[slot], chunk_bytes(bytes, begin));
    }
    return true;
}

bool tm_cuda_memory_download_parts(tm_cuda_memory *memory, void *host, const void *device,
                                   const uint64_t *begins, size_t count, size_t bytes,
                                   char *error) {
    const unsigned char *from = (const unsigned char *)device;
    bool in_place = is_pinned(memory, host, count * bytes);
    if (!in_place && count * bytes > STAGING_BYTES) {
        for (size_t i = 0; i < count; i++)
            if (!tm_cuda_memory_download(memory, (unsigned char *)host + i * bytes,
                                         from + begins[i], bytes, error))
                return false;
        return true;
    }
    if (!in_place && !need_staging(memory, error))
        return false;
    unsigned char *to = in_place ? (unsigned char *)host : memory->staging[0];
    for (size_t i = 0; i < count; i++)
        if (!tm_cuda_passed(cudaMemcpyAsync(to + i * bytes, from + begins[i], bytes,
                                            cudaMemcpyDeviceToHost, memory->stream),
                            "cudaMemcpyAsync from the device", error))
            return false;
    if (!tm_cuda_passed(cudaStreamSynchronize(memory->stream), "cudaStreamSynchronize", error))
        return false;
    if (!in_place)
        memcpy(host, to, count * bytes);
    return true;
}

bool tm_cuda_memory_copy(tm_cuda_memory *memory, void *to, const void *from, size_t bytes,
                         char *error) {
    return bytes == 0 || tm_cuda_passed(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice,
                                                        memory->stream),
                                        "cudaMemcpyAsync on the device", error);
}
