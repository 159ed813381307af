/* same.c REFERENCE.so OTHER.so SEED NAME=VALUES...: two shared objects of one definition, called
 * with the same inputs. What tensors there are is read from the reference's signature. VALUES is an
 * axis's length, an input's range "low:high" (-1:1 otherwise) or its elements "1,-1,0"; of NAME
 * `constant` the next constant behind the axes. Prints a line; exit status 1 when a call fails or
 * an element differs by more than a hundredth, of it and of 1. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

typedef int call_function(void *const *tensors, const void *axes, void *stream);

typedef struct {
    char name[64], dtype[16];
    int64_t elems;
    void *data;
} tensor;

typedef union {
    int64_t length;
    double constant;
} axis;

typedef struct {
    tensor tensors[MOST];
    axis axes[MOST];
    int count, inputs;
} job;

static const char *value_of(char **arguments, const char *name) {
    size_t length = strlen(name);
    for (; *arguments; ++arguments)
        if (strncmp(*arguments, name, length) == 0 && (*arguments)[length] == '=')
            return *arguments + length + 1;
    return NULL;
}

static int64_t length_of(char **arguments, const char *name) {
    const char *value = value_of(arguments, name);
    if (!value) {
        fprintf(stderr, "same: %s: expected a value on the command line\n", name);
        exit(2);
    }
    return strtoll(value, NULL, 10);
}

static size_t bytes_of(const char *dtype) {
    return strcmp(dtype, "bfloat16") == 0 ? 2 : strcmp(dtype, "int64") == 0 ? 8 : 4;
}

/* Reads the signature: "axis,...;tensor:dtype[axis,...],...->tensor:...". */
static void read_signature(job *all, const char *signature, char **arguments) {
    char word[64];
    int axes = 0, used;
    do {
        sscanf(signature, "%63[^,;]%n", word, &used);
        all->axes[axes++].length = length_of(arguments, word);
        signature += used + 1;
    } while (signature[-1] == ',');
    for (char **at = arguments; *at; ++at)
        if (strncmp(*at, "constant=", 9) == 0)
            all->axes[axes++].constant = strtod(*at + 9, NULL);
    while (*signature) {
        tensor *one = &all->tensors[all->count++];
        sscanf(signature, "%63[^:]:%15[a-z0-9]%n", one->name, one->dtype, &used);
        signature += used;
        one->elems = 1;
        if (*signature == '[') {
            do {
                sscanf(signature + 1, "%63[^],]%n", word, &used);
                one->elems *= length_of(arguments, word);
                signature += used + 1;
            } while (*signature == ',');
            ++signature;
        }
        if (*signature == '-') {
            all->inputs = all->count;
            ++signature;
        }
        signature += *signature != '\0';
    }
}

static uint64_t next_word(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static float bfloat16_at(const uint16_t *from, int64_t index) {
    uint32_t bits = (uint32_t)from[index] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float element(const tensor *from, const void *data, int64_t index) {
    return bytes_of(from->dtype) == 2 ? bfloat16_at(data, index) : ((const float *)data)[index];
}

static void put(tensor *to, int64_t index, double value) {
    if (strncmp(to->dtype, "int", 3) == 0) {
        if (bytes_of(to->dtype) == 8)
            ((int64_t *)to->data)[index] = (int64_t)value;
        else
            ((int32_t *)to->data)[index] = (int32_t)value;
        return;
    }
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (bytes_of(to->dtype) == 2)
        ((uint16_t *)to->data)[index] = (uint16_t)(bits >> 16);
    else
        ((float *)to->data)[index] = narrow;
}

static void *allocate(const tensor *of) {
    size_t bytes = (size_t)of->elems * bytes_of(of->dtype);
    void *data = aligned_alloc(64, (bytes + 64) / 64 * 64);
    memset(data, 0xff, (bytes + 64) / 64 * 64);
    return data;
}

static void fill(tensor *to, const char *values, uint64_t *state) {
    to->data = allocate(to);
    if (values && !strchr(values, ':')) {
        char *rest = (char *)(uintptr_t)values;
        for (int64_t i = 0; i < to->elems; ++i) {
            put(to, i, strtod(rest, &rest));
            rest += *rest == ',';
        }
        return;
    }
    double low = values ? strtod(values, NULL) : -1;
    double high = values ? strtod(strchr(values, ':') + 1, NULL) : 1;
    for (int64_t i = 0; i < to->elems; ++i)
        put(to, i, low + (high - low) * (double)(next_word(state) % 65536) / 65536);
}

static void *object(const char *path) {
    void *loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!loaded) {
        fprintf(stderr, "same: %s\n", dlerror());
        exit(2);
    }
    return loaded;
}

static void *symbol(void *loaded, const char *name) {
    void *found = dlsym(loaded, name);
    if (!found) {
        fprintf(stderr, "same: %s\n", dlerror());
        exit(2);
    }
    return found;
}

/* Elements that differ, of all; what they should be is in `expected`. */
static int64_t count_wrong(const tensor *got, const void *expected, double *squares) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < got->elems; ++i) {
        double x = element(got, got->data, i), y = element(got, expected, i);
        double error = fabs(x - y);
        wrong += isnan(y) ? !isnan(x) : !(error <= 0.01 || error <= 0.01 * fabs(y));
        *squares += isnan(y) ? 0 : y * y;
    }
    return wrong;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    void *objects[2] = {object(argv[1]), object(argv[2])};
    const char *(*signature)(void);
    *(void **)&signature = symbol(objects[0], "tm_signature");
    static job all;
    read_signature(&all, signature(), argv + 4);
    uint64_t state = strtoull(argv[3], NULL, 10);
    void *tensors[MOST], *expected[MOST] = {NULL};
    for (int i = 0; i < all.inputs; ++i)
        fill(&all.tensors[i], value_of(argv + 4, all.tensors[i].name), &state);
    int status = 0;
    for (int i = 0; i < 2; ++i) {
        for (int t = 0; t < all.count; ++t) {
            if (t >= all.inputs) {
                expected[t] = all.tensors[t].data;
                all.tensors[t].data = allocate(&all.tensors[t]);
            }
            tensors[t] = all.tensors[t].data;
        }
        call_function *call;
        *(void **)&call = symbol(objects[i], "tm_call");
        status |= call(tensors, all.axes, NULL);
    }
    bool good = status == 0;
    for (int t = all.inputs; t < all.count; ++t) {
        double squares = 0;
        int64_t wrong = count_wrong(&all.tensors[t], expected[t], &squares);
        good = good && wrong == 0;
        printf("%s%s: %lld of %lld differ, root mean square %.2g", t > all.inputs ? "; " : "",
               all.tensors[t].name, (long long)wrong, (long long)all.tensors[t].elems,
               sqrt(squares / (double)(all.tensors[t].elems ? all.tensors[t].elems : 1)));
    }
    printf("\n");
    for (int t = 0; t < all.count; ++t) {
        free(all.tensors[t].data);
        free(expected[t]);
    }
    return good ? 0 : 1;
}
