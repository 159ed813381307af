/* forged.h: what a hostile solution can do with the worker's ends of socket and desk. */
#ifndef TM_FORGED_H
#define TM_FORGED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
    FORGED_SOCKET = 3,
    FORGED_DESK = 4,
};

/* harness/job.h: tm_reply */
typedef struct {
    int32_t kind, code;
    uint64_t number;
    int64_t samples;
    int32_t capped;
    char clock[16];
    uint64_t protocol_ns;
    char message[512];
} forged_reply;

/* Says "done, all well" to a request. */
static inline void forged_send(uint64_t number) {
    const forged_reply reply = {.number = number};
    (void)send(FORGED_SOCKET, &reply, sizeof reply, 0);
}

/* The desk, which the judge sees too; NULL without. */
static inline void *forged_map(size_t *bytes) {
    struct stat status;
    if (fstat(FORGED_DESK, &status) != 0)
        return NULL;
    *bytes = (size_t)status.st_size;
    void *memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, FORGED_DESK, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

#endif
