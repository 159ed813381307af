#include "lib/safetensors.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/node.h"

#define LENGTH_BYTES ((size_t)8)
/* The limit of the safetensors library. */
#define HEADER_LIMIT_BYTES ((uint64_t)100 * 1000 * 1000)
#define METADATA_KEY "__metadata__"

struct tm_safetensors {
    void *map;
    size_t map_bytes;
    tm_safetensor *tensors;
    size_t count;
};

/* What the checks of one file share. */
typedef struct {
    tm_node_reader reader;
    tm_place whole_file;
    tm_safetensors *file;
    const char *data; /* behind the header */
    size_t data_bytes;
    const tm_node **nodes; /* of each tensor */
} tm_safetensors_check;

static tm_place tm_safetensors_whole(tm_arena *arena, const char *path) {
    tm_source *source = tm_arena_alloc(arena, sizeof *source);
    source->path = tm_arena_copy(arena, path, strlen(path));
    source->text = "";
    return (tm_place){source, TM_WHOLE_FILE};
}

/* Maps the file; false after appending an error. */
static bool tm_safetensors_map(tm_safetensors *file, const char *path, tm_place place,
                               tm_diag *diag) {
    /* O_NONBLOCK: opening a pipe must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        tm_diag_error(diag, place, NULL, "expected a safetensors file, cannot open it: %s",
                      strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        tm_diag_error(diag, place, NULL, "expected a safetensors file, got %s",
                      S_ISDIR(status.st_mode) ? "a folder" : "something that is no regular file");
    } else if ((size_t)status.st_size < LENGTH_BYTES) {
        tm_diag_error(diag, place, NULL,
                      "expected a safetensors file of at least 8 bytes, got %zu bytes",
                      (size_t)status.st_size);
    } else {
        file->map_bytes = (size_t)status.st_size;
        file->map = mmap(NULL, file->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file->map == MAP_FAILED) {
            file->map = NULL;
            tm_diag_error(diag, place, NULL, "expected a safetensors file, cannot map it: %s",
                          strerror(errno));
        }
    }
    if (fd >= 0)
        close(fd);
    return file->map != NULL;
}

/* Finds the header and parses it. NULL after appending an error. */
static const tm_node *tm_safetensors_header(tm_safetensors_check *check) {
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1";
    tm_safetensors *file = check->file;
    tm_diag *diag = check->reader.diag;
    const char *bytes = file->map;
    if (file->map_bytes >= sizeof pointer - 1 && memcmp(bytes, pointer, sizeof pointer - 1) == 0) {
        tm_diag_error(diag, check->whole_file, NULL,
                      "expected a safetensors file, got a git-lfs pointer; run \"git lfs pull\" in "
                      "the dataset");
        return NULL;
    }
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    length = le64toh(length);
    uint64_t limit = file->map_bytes - LENGTH_BYTES;
    if (limit > HEADER_LIMIT_BYTES)
        limit = HEADER_LIMIT_BYTES;
    if (length == 0 || length > limit) {
        tm_diag_error(diag, check->whole_file, NULL,
                      "expected a header length of 1 to %ju bytes, got %ju; the file is cut short "
                      "or no safetensors file",
                      (uintmax_t)limit, (uintmax_t)length);
        return NULL;
    }
    check->data = bytes + LENGTH_BYTES + length;
    check->data_bytes = file->map_bytes - LENGTH_BYTES - (size_t)length;

    /* A copy, because places in it live longer than the map. */
    tm_source *source = tm_arena_alloc(check->reader.arena, sizeof *source);
    source->path = check->whole_file.source->path;
    source->text = tm_arena_copy(check->reader.arena, bytes + LENGTH_BYTES, (size_t)length);
    source->length = (size_t)length;
    const tm_node *header =
        tm_json_parse(check->reader.arena, source, 0, source->length, check->reader.diag);
    if (header != NULL && header->type != TM_NODE_OBJECT) {
        tm_diag_error(diag, header->place, NULL, "expected a header that is an object, got %s",
                      tm_node_describe(check->reader.arena, header));
        return NULL;
    }
    return header;
}

/* An integer of at least 0, or an error. */
static bool tm_safetensors_natural(tm_node_reader *reader, const tm_node *node, const char *where,
                                   int64_t *out) {
    if (node->type != TM_NODE_NUMBER || !node->is_integer || node->integer < 0) {
        tm_diag_error(reader->diag, node->place, where, "expected an integer of at least 0, got %s",
                      tm_node_describe(reader->arena, node));
        return false;
    }
    *out = node->integer;
    return true;
}

static bool tm_safetensors_shape(tm_safetensors_check *check, const tm_node *node,
                                 tm_safetensor *tensor, int64_t *elems) {
    tm_node_reader *reader = &check->reader;
    const tm_node *shape = tm_node_need(reader, node, tensor->name, "shape", TM_NODE_ARRAY);
    if (shape == NULL)
        return false;
    const char *where = tm_arena_format(reader->arena, "%s.shape", tensor->name);
    if (shape->count > TM_SAFETENSORS_MAX_RANK) {
        tm_diag_error(reader->diag, shape->place, where, "expected at most %d dimensions, got %zu",
                      TM_SAFETENSORS_MAX_RANK, shape->count);
        return false;
    }
    *elems = 1;
    for (const tm_node *size = shape->child; size != NULL; size = size->next) {
        if (!tm_safetensors_natural(reader, size, where, &tensor->shape[tensor->rank]))
            return false;
        if (__builtin_mul_overflow(*elems, tensor->shape[tensor->rank++], elems)) {
            tm_diag_error(reader->diag, shape->place, where,
                          "expected a size below 2^63 elements, got more");
            return false;
        }
    }
    return true;
}

static bool tm_safetensors_offsets(tm_safetensors_check *check, const tm_node *node,
                                   tm_safetensor *tensor) {
    tm_node_reader *reader = &check->reader;
    const tm_node *offsets =
        tm_node_need(reader, node, tensor->name, "data_offsets", TM_NODE_ARRAY);
    if (offsets == NULL)
        return false;
    const char *where = tm_arena_format(reader->arena, "%s.data_offsets", tensor->name);
    int64_t begin, end;
    if (offsets->count != 2) {
        tm_diag_error(reader->diag, offsets->place, where, "expected [begin, end], got %zu values",
                      offsets->count);
        return false;
    }
    if (!tm_safetensors_natural(reader, offsets->child, where, &begin) ||
        !tm_safetensors_natural(reader, offsets->child->next, where, &end))
        return false;
    if (begin > end || (uint64_t)end > check->data_bytes) {
        tm_diag_error(reader->diag, offsets->place, where,
                      "expected 0 <= begin <= end <= %zu (the bytes behind the header), got "
                      "[%jd, %jd]; the file may be cut short",
                      check->data_bytes, (intmax_t)begin, (intmax_t)end);
        return false;
    }
    tensor->data = check->data + begin;
    tensor->bytes = (size_t)(end - begin);
    return true;
}

/* True when the bytes are as many as dtype and shape say, or the dtype is not one of ours. */
static bool tm_safetensors_size(tm_safetensors_check *check, const tm_node *node,
                                tm_safetensor *tensor, int64_t elems) {
    for (int i = 0; i < TM_DTYPE_COUNT && !tensor->dtype_known; i++) {
        tensor->dtype = (tm_dtype)i;
        tensor->dtype_known =
            strcmp(tensor->dtype_name, tm_dtype_safetensors_name(tensor->dtype)) == 0;
    }
    if (!tensor->dtype_known)
        return true;
    size_t bytes;
    if (!tm_dtype_bytes(tensor->dtype, elems, &bytes) || bytes != tensor->bytes) {
        tm_diag_error(check->reader.diag, node->place, tensor->name,
                      "expected the bytes of %jd elements of %s, got %zu bytes", (intmax_t)elems,
                      tensor->dtype_name, tensor->bytes);
        return false;
    }
    return true;
}

/* Reads one member of the header; false after appending an error. */
static bool tm_safetensors_tensor(tm_safetensors_check *check, const tm_node *node,
                                  tm_safetensor *tensor) {
    tensor->name = node->key;
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(check->reader.diag, node->place, node->key, "expected an object, got %s",
                      tm_node_describe(check->reader.arena, node));
        return false;
    }
    int64_t elems = 0;
    bool good = tm_node_need_string(&check->reader, node, node->key, "dtype", &tensor->dtype_name);
    good = tm_safetensors_shape(check, node, tensor, &elems) && good;
    good = tm_safetensors_offsets(check, node, tensor) && good;
    return good && tm_safetensors_size(check, node, tensor, elems);
}

static bool tm_safetensors_metadata(tm_safetensors_check *check, const tm_node *metadata) {
    bool good = metadata->type == TM_NODE_OBJECT;
    if (!good)
        tm_diag_error(check->reader.diag, metadata->place, METADATA_KEY,
                      "expected an object of strings, got %s",
                      tm_node_describe(check->reader.arena, metadata));
    for (const tm_node *entry = good ? metadata->child : NULL; entry; entry = entry->next) {
        if (entry->type != TM_NODE_STRING) {
            tm_diag_error(check->reader.diag, entry->place,
                          tm_arena_format(check->reader.arena, METADATA_KEY ".%s", entry->key),
                          "expected a string, got %s",
                          tm_node_describe(check->reader.arena, entry));
            good = false;
        }
    }
    return good;
}

/* By begin, then by end: an empty tensor stands before the one that begins at the same byte. */
static int tm_safetensors_compare(const void *left, const void *right) {
    const tm_safetensor *a = *(const tm_safetensor *const *)left;
    const tm_safetensor *b = *(const tm_safetensor *const *)right;
    if (a->data != b->data)
        return (const char *)a->data < (const char *)b->data ? -1 : 1;
    return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* Whether the tensors cover the data exactly once. */
static bool tm_safetensors_cover(tm_safetensors_check *check) {
    tm_safetensors *file = check->file;
    const tm_safetensor **order = tm_arena_array(check->reader.arena, file->count, sizeof *order);
    for (size_t i = 0; i < file->count; i++)
        order[i] = &file->tensors[i];
    qsort(order, file->count, sizeof *order, tm_safetensors_compare);
    size_t covered = 0;
    for (size_t i = 0; i < file->count; i++) {
        size_t begin = (size_t)((const char *)order[i]->data - check->data);
        if (begin != covered) {
            const tm_node *node = check->nodes[order[i] - file->tensors];
            tm_diag_error(check->reader.diag, node->place, order[i]->name,
                          "expected data that begins at byte %zu, where the tensor before it "
                          "ends, got byte %zu: %s",
                          covered, begin,
                          begin < covered ? "two tensors overlap" : "there is a hole");
            return false;
        }
        covered = begin + order[i]->bytes;
    }
    if (covered != check->data_bytes) {
        tm_diag_error(check->reader.diag, check->whole_file, NULL,
                      "expected %zu bytes of data behind the header, as its tensors have, got %zu",
                      covered, check->data_bytes);
        return false;
    }
    return true;
}

static bool tm_safetensors_read(tm_safetensors_check *check) {
    const tm_node *header = tm_safetensors_header(check);
    if (header == NULL)
        return false;
    tm_safetensors *file = check->file;
    file->tensors = tm_arena_array(check->reader.arena, header->count, sizeof *file->tensors);
    check->nodes = tm_arena_array(check->reader.arena, header->count, sizeof *check->nodes);
    bool good = true;
    for (const tm_node *member = header->child; member != NULL; member = member->next) {
        if (strcmp(member->key, METADATA_KEY) == 0) {
            good = tm_safetensors_metadata(check, member) && good;
            continue;
        }
        check->nodes[file->count] = member;
        good = tm_safetensors_tensor(check, member, &file->tensors[file->count]) && good;
        file->count++;
    }
    return good && tm_safetensors_cover(check);
}

tm_safetensors *tm_safetensors_open(tm_arena *arena, const char *path, tm_diag *diag) {
    tm_safetensors *file = tm_arena_alloc(arena, sizeof *file);
    tm_safetensors_check check = {
        .reader = {arena, diag}, .whole_file = tm_safetensors_whole(arena, path), .file = file};
    if (!tm_safetensors_map(file, path, check.whole_file, diag))
        return NULL;
    if (!tm_safetensors_read(&check)) {
        tm_safetensors_close(file);
        return NULL;
    }
    return file;
}

void tm_safetensors_close(tm_safetensors *file) {
    if (file != NULL && file->map != NULL) {
        munmap(file->map, file->map_bytes);
        file->map = NULL;
    }
}

const tm_safetensor *tm_safetensors_find(const tm_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    }
    return NULL;
}

size_t tm_safetensors_offset(const tm_safetensors *file, const tm_safetensor *tensor) {
    return (size_t)((const char *)tensor->data - (const char *)file->map);
}

size_t tm_safetensors_list(const tm_safetensors *file, const tm_safetensor **tensors) {
    *tensors = file->tensors;
    return file->count;
}
