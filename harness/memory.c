#include "harness/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool take(tm_memory *memory, int memfd, int protection) {
    struct stat status;
    *memory = TM_MEMORY_NONE;
    if (fstat(memfd, &status) == 0 && status.st_size > 0) {
        void *map = mmap(NULL, (size_t)status.st_size, protection, MAP_SHARED, memfd, 0);
        if (map != MAP_FAILED) {
            *memory = (tm_memory){map, (size_t)status.st_size, memfd};
            return true;
        }
    }
    int reason = errno;
    close(memfd);
    errno = reason;
    return false;
}

bool tm_memory_make(tm_memory *memory, const char *name, size_t bytes) {
    int memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    *memory = TM_MEMORY_NONE;
    if (memfd < 0)
        return false;
    if (ftruncate(memfd, (off_t)bytes) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        close(memfd);
        return false;
    }
    return tm_memory_take(memory, memfd);
}

bool tm_memory_take(tm_memory *memory, int memfd) {
    return take(memory, memfd, PROT_READ | PROT_WRITE);
}

bool tm_memory_take_to_read(tm_memory *memory, int memfd) {
    return take(memory, memfd, PROT_READ);
}

void tm_memory_close(tm_memory *memory) {
    if (memory->map)
        munmap(memory->map, memory->bytes);
    if (memory->memfd >= 0)
        close(memory->memfd);
    *memory = TM_MEMORY_NONE;
}
