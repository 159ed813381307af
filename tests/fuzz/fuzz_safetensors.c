/* fuzz_safetensors: any bytes as a safetensors file, with every byte of every tensor read.
 *
 * An input that begins with '{' is a header up to and with its first line break, and data behind
 * it: its right length is put in front, so that most mutations get beyond the first check. Any
 * other input is the file as it is. */
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/safetensors.h"

/* One file in memory for all inputs; returns its path. */
static const char *write_file(const char *prefix, size_t prefix_size, const uint8_t *data,
                              size_t size) {
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_EXPECT(ftruncate(fd, 0) == 0 &&
                pwrite(fd, prefix, prefix_size, 0) == (ssize_t)prefix_size &&
                pwrite(fd, data, size, (off_t)prefix_size) == (ssize_t)size);
    return path;
}

static void read_tensors(const tm_safetensors *file, size_t file_size) {
    const tm_safetensor *tensors;
    size_t count = tm_safetensors_list(file, &tensors);
    for (size_t i = 0; i < count; i++) {
        const volatile unsigned char *bytes = tensors[i].data;
        unsigned sum = 0;
        for (size_t k = 0; k < tensors[i].bytes; k++)
            sum += bytes[k];
        FUZZ_EXPECT(sum <= 255 * tensors[i].bytes);
        FUZZ_EXPECT(tm_safetensors_find(file, tensors[i].name) == &tensors[i]);
        FUZZ_EXPECT(tm_safetensors_offset(file, &tensors[i]) + tensors[i].bytes <= file_size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = fuzz_begin(data, size);
    char prefix[8] = {0};
    size_t prefix_size = 0;
    if (size > 0 && data[0] == '{') {
        const uint8_t *line_break = memchr(data, '\n', size);
        uint64_t header = line_break == NULL ? size : (uint64_t)(line_break - data) + 1;
        prefix_size = sizeof prefix;
        for (size_t i = 0; i < sizeof prefix; i++)
            prefix[i] = (char)(header >> 8 * i & 0xff);
    }
    const char *path = write_file(prefix, prefix_size, data, size);
    tm_safetensors *file = tm_safetensors_open(input.reader.arena, path, input.reader.diag);
    FUZZ_EXPECT((file == NULL) == (fuzz_errors(&input) > 0));
    if (file != NULL) {
        read_tensors(file, prefix_size + size);
        tm_safetensors_close(file);
    }
    fuzz_end(&input);
    return 0;
}
