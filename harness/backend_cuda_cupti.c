#include "harness/backend_cuda_cupti.h"

#include <stdio.h>

#if !__has_include(<cupti.h>)

bool tm_cupti_start(char *error, size_t size) {
    snprintf(error, size, "built without CUPTI's headers");
    return false;
}

void tm_cupti_stop(void) {
}

bool tm_cupti_version(char *text, size_t size) {
    (void)text;
    (void)size;
    return false;
}

bool tm_cupti_end(const char *last_kernel, size_t launches, tm_cupti_window *window, char *error,
                  size_t size) {
    (void)last_kernel;
    (void)launches;
    *window = (tm_cupti_window){0};
    return tm_cupti_start(error, size);
}

#else

#include <cupti.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The newest records of the headers. The library that is loaded may be of another version, so all
 * that is read is start and end, which have stood at the same place since CUDA 12.0. */
#if CUPTI_API_VERSION >= 130000
typedef CUpti_ActivityKernel10 kernel_record;
typedef CUpti_ActivityMemcpy6 copy_record;
_Static_assert(offsetof(CUpti_ActivityKernel10, start) == offsetof(CUpti_ActivityKernel9, start) &&
                   offsetof(CUpti_ActivityKernel10, end) == offsetof(CUpti_ActivityKernel9, end) &&
                   offsetof(CUpti_ActivityKernel10, name) ==
                       offsetof(CUpti_ActivityKernel9, name) &&
                   offsetof(CUpti_ActivityMemcpy6, start) ==
                       offsetof(CUpti_ActivityMemcpy5, start) &&
                   offsetof(CUpti_ActivityMemcpy6, end) == offsetof(CUpti_ActivityMemcpy5, end),
               "CUDA 12 and 13 agree on where start, end and name are");
#else
typedef CUpti_ActivityKernel9 kernel_record;
typedef CUpti_ActivityMemcpy5 copy_record;
#endif
typedef CUpti_ActivityMemset4 set_record;

/* Room for some thousand records; CUPTI asks for more when it needs it, in the midst of a call. */
#define BUFFER_BYTES ((size_t)512 << 10)
/* Buffers that are kept for the next time. */
#define SPARE_BUFFERS 4

typedef struct {
    uint64_t start, end; /* ns, CUPTI's clock */
    const char *name;    /* of a kernel; NULL of a copy or a fill */
} interval;

/* CUPTI calls back without a context argument, so what it fills cannot live elsewhere. Only
 * buffer_completed writes it, from within tm_cupti_end's flush or a CUPTI thread before it. */
static struct {
    void *library;
    CUptiResult (*enable)(CUpti_ActivityKind kind);
    CUptiResult (*disable)(CUpti_ActivityKind kind);
    CUptiResult (*register_callbacks)(CUpti_BuffersCallbackRequestFunc request,
                                      CUpti_BuffersCallbackCompleteFunc complete);
    CUptiResult (*next_record)(uint8_t *buffer, size_t bytes, CUpti_Activity **record);
    CUptiResult (*dropped)(CUcontext context, uint32_t stream, size_t *count);
    CUptiResult (*flush)(uint32_t flags);
    CUptiResult (*describe)(CUptiResult result, const char **text);
    interval *intervals;
    size_t count, capacity;
    size_t lost;
    _Atomic(uint8_t *) spare[SPARE_BUFFERS]; /* CUPTI may ask from threads of its own */
} cupti;

static const CUpti_ActivityKind kinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,
                                           CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMSET};

static bool say(char *error, size_t size, const char *call, CUptiResult result) {
    const char *text = NULL;
    if (cupti.describe)
        cupti.describe(result, &text);
    snprintf(error, size, "%s: %s", call, text ? text : "unknown CUPTI error");
    return false;
}

static void CUPTIAPI buffer_requested(uint8_t **buffer, size_t *bytes, size_t *max_records) {
    *buffer = NULL;
    for (size_t i = 0; i < SPARE_BUFFERS && !*buffer; i++)
        *buffer = atomic_exchange(&cupti.spare[i], NULL);
    if (!*buffer)
        *buffer = aligned_alloc(8, BUFFER_BYTES);
    *bytes = *buffer ? BUFFER_BYTES : 0;
    *max_records = 0;
}

static void give_back(uint8_t *buffer) {
    for (size_t i = 0; i < SPARE_BUFFERS && buffer; i++)
        buffer = atomic_exchange(&cupti.spare[i], buffer);
    free(buffer);
}

static void keep(uint64_t start, uint64_t end, const char *name) {
    if (cupti.count == cupti.capacity) {
        size_t capacity = cupti.capacity ? cupti.capacity * 2 : 4096;
        interval *bigger = realloc(cupti.intervals, capacity * sizeof *bigger);
        if (!bigger) {
            cupti.lost++;
            return;
        }
        cupti.intervals = bigger;
        cupti.capacity = capacity;
    }
    cupti.intervals[cupti.count++] = (interval){start, end, name};
}

static void CUPTIAPI buffer_completed(CUcontext context, uint32_t stream, uint8_t *buffer,
                                      size_t bytes, size_t valid) {
    (void)bytes;
    CUpti_Activity *record = NULL;
    size_t dropped = 0;
    while (cupti.next_record(buffer, valid, &record) == CUPTI_SUCCESS) {
        if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL)
            keep(((kernel_record *)record)->start, ((kernel_record *)record)->end,
                 ((kernel_record *)record)->name);
        else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY)
            keep(((copy_record *)record)->start, ((copy_record *)record)->end, NULL);
        else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET)
            keep(((set_record *)record)->start, ((set_record *)record)->end, NULL);
    }
    if (cupti.dropped(context, stream, &dropped) == CUPTI_SUCCESS)
        cupti.lost += dropped;
    give_back(buffer);
}

static bool load(char *error, size_t size) {
    static const char *const names[] = {"libcupti.so.13", "libcupti.so.12", "libcupti.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !cupti.library; i++)
        cupti.library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!cupti.library) {
        snprintf(error, size, "CUPTI is not to be had: %s", dlerror());
        return false;
    }
    struct {
        const char *name;
        void **at;
    } symbols[] = {{"cuptiActivityEnable", (void **)&cupti.enable},
                   {"cuptiActivityDisable", (void **)&cupti.disable},
                   {"cuptiActivityRegisterCallbacks", (void **)&cupti.register_callbacks},
                   {"cuptiActivityGetNextRecord", (void **)&cupti.next_record},
                   {"cuptiActivityGetNumDroppedRecords", (void **)&cupti.dropped},
                   {"cuptiActivityFlushAll", (void **)&cupti.flush},
                   {"cuptiGetResultString", (void **)&cupti.describe}};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (!(*symbols[i].at = dlsym(cupti.library, symbols[i].name))) {
            snprintf(error, size, "CUPTI has no %s", symbols[i].name);
            return false;
        }
    return true;
}

bool tm_cupti_start(char *error, size_t size) {
    if (!load(error, size))
        return false;
    CUptiResult result = cupti.register_callbacks(buffer_requested, buffer_completed);
    if (result != CUPTI_SUCCESS)
        return say(error, size, "cuptiActivityRegisterCallbacks", result);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((result = cupti.enable(kinds[i])) != CUPTI_SUCCESS)
            return say(error, size, "cuptiActivityEnable", result);
    return true;
}

void tm_cupti_stop(void) {
    for (size_t i = 0; cupti.disable && i < sizeof kinds / sizeof *kinds; i++)
        cupti.disable(kinds[i]);
    if (cupti.flush)
        cupti.flush(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    for (size_t i = 0; i < SPARE_BUFFERS; i++)
        free(atomic_exchange(&cupti.spare[i], NULL));
    free(cupti.intervals);
    cupti.intervals = NULL;
    cupti.count = cupti.capacity = 0;
}

bool tm_cupti_version(char *text, size_t size) {
    CUptiResult (*get)(uint32_t * version);
    uint32_t version;
    if (!cupti.library)
        return false;
    *(void **)&get = dlsym(cupti.library, "cuptiGetVersion");
    if (!get || get(&version) != CUPTI_SUCCESS)
        return false;
    snprintf(text, size, "%u", version);
    return true;
}

/* The record of the launch number `launches` of that kernel since the last window, in the order of
 * their starts; NULL when there are fewer. A call may launch kernels of any name, but only after
 * ours: it cannot make its own window shorter. */
static const interval *find_launch(const char *kernel, size_t launches) {
    const interval *found = NULL;
    for (; launches > 0; launches--) {
        const interval *next = NULL;
        for (size_t i = 0; i < cupti.count; i++) {
            const interval *one = &cupti.intervals[i];
            if (one->name && strstr(one->name, kernel) && (!found || one->start > found->start) &&
                (!next || one->start < next->start))
                next = one;
        }
        if (!next)
            return NULL;
        found = next;
    }
    return found;
}

/* What came before is told by the device's clock alone: those of host and device were seen 40 us
 * apart. Nor are records fetched when the window begins: CUPTI would ask for a new buffer in the
 * first launch of the call, which was seen to part two kernels of a call by 10 us more. */
bool tm_cupti_end(const char *last_kernel, size_t launches, tm_cupti_window *window, char *error,
                  size_t size) {
    CUptiResult result = cupti.flush(0);
    *window = (tm_cupti_window){0};
    if (result != CUPTI_SUCCESS)
        return say(error, size, "cuptiActivityFlushAll", result);
    const interval *before = find_launch(last_kernel, launches);
    if (cupti.lost || !before) {
        snprintf(error, size, "CUPTI lost %zu records%s", cupti.lost,
                 before ? "" : ", or that of the cache flush");
        cupti.lost = cupti.count = 0;
        return false;
    }
    uint64_t begin = before->start, first = UINT64_MAX, last = 0;
    for (size_t i = 0; i < cupti.count; i++) {
        interval one = cupti.intervals[i];
        if (one.start <= begin)
            continue;
        window->activities++;
        first = one.start < first ? one.start : first;
        last = one.end > last ? one.end : last;
    }
    window->span_ns = window->activities ? (double)(last - first) : 0;
    cupti.count = 0;
    return true;
}

#endif
