#include "lib/symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The list. A name that ends in '*' stands for all that begin so. Not on it, because honest objects
 * have them: syscall (std::barrier waits by it), dlopen and dlsym, mmap, raise, sigaction, open. */

typedef struct {
    const char *name;
    const char *reason;
    bool in_cudart; /* a static CUDA runtime (12 and 13) imports it for itself */
} listed;

static const char watches[] = "it watches or changes other processes";
static const char starts[] = "it starts other processes";
static const char ends[] = "it ends or disturbs other processes";
static const char unguards[] = "it changes what memory may be read and written";
static const char shares[] = "it makes memory that other processes can see";
static const char profiles[] = "the clock of a cell uses it";
static const char steers[] = "it reads or sets clocks and limits of the GPU";
static const char resets[] = "it takes the device away from the harness";
static const char interrupts[] = "it runs code outside of its calls";
static const char sets_clock[] = "it sets the clock";

static const listed imports[] = {
    {"ptrace", watches, false},
    {"process_vm_*", watches, false},
    {"process_madvise", watches, false},
    {"pidfd_*", watches, false},
    {"prlimit*", watches, false},

    {"fork", starts, false},
    {"__fork", starts, false},
    {"_Fork", starts, false},
    {"vfork", starts, false},
    {"__vfork", starts, false},
    {"clone", starts, false},
    {"__clone", starts, false},
    {"clone3", starts, false},
    {"daemon", starts, false},
    {"exec*", starts, false},
    {"fexecve", starts, false},
    {"posix_spawn*", starts, false},
    {"system", starts, false},
    {"popen", starts, false},
    {"unshare", starts, false},
    {"setns", starts, false},
    {"kill", ends, true},
    {"killpg", ends, false},
    {"tgkill", ends, false},
    {"sigqueue", ends, false},
    {"prctl", ends, false},
    {"seccomp*", ends, false},
    {"mprotect", unguards, true},
    {"pkey_*", unguards, false},
    {"memfd_create", shares, false},
    {"memfd_secret", shares, false},
    {"cupti*", profiles, false},
    {"nvml*", steers, false},
    {"cudaDeviceReset", resets, false},
    {"cuDevicePrimaryCtxReset*", resets, false},
    {"setitimer", interrupts, false},
    {"timer_create", interrupts, false},
    {"alarm", interrupts, false},
    {"ualarm", interrupts, false},
    {"clock_settime", sets_clock, false},
    {"settimeofday", sets_clock, false},
    {"adjtimex", sets_clock, false},
};

/* A definition of these could take the place of the one that the worker, or a library in it, means.
 * The worker binds its own first (RTLD_LOCAL), so this catches intent rather than success. */
static const char tells_time[] = "it redefines what tells the time";
static const char waits[] = "it redefines what waits for the device";
static const char device[] = "it redefines the CUDA runtime or driver";
static const char talks[] = "it redefines what the worker talks with";
static const char gives_memory[] = "it redefines what gives memory";
static const char loads[] = "it redefines what loads objects";
static const char ends_it[] = "it redefines what ends a process";

static const listed exports[] = {
    {"clock_gettime", tells_time, false},
    {"__clock_gettime", tells_time, false},
    {"clock_getres", tells_time, false},
    {"clock", tells_time, false},
    {"gettimeofday", tells_time, false},
    {"time", tells_time, false},
    {"times", tells_time, false},
    {"nanosleep", tells_time, false},
    {"clock_nanosleep", tells_time, false},
    {"usleep", tells_time, false},
    {"cudaEvent*", tells_time, false},
    {"cuEvent*", tells_time, false},
    {"cupti*", tells_time, false},
    {"nvml*", tells_time, false},
    {"cudaDeviceSynchronize", waits, false},
    {"cudaStreamSynchronize", waits, false},
    {"cudaStreamWaitEvent", waits, false},
    {"cuCtxSynchronize", waits, false},
    {"cuStreamSynchronize", waits, false},
    {"cudaMalloc*", device, false},
    {"cudaFree*", device, false},
    {"cudaMemcpy*", device, false},
    {"cudaMemset*", device, false},
    {"cudaLaunch*", device, false},
    {"__cuda*", device, false},
    {"cudaGetLastError", device, false},
    {"cudaPeekAtLastError", device, false},
    {"cudaStream*", device, false},
    {"cuMem*", device, false},
    {"cuLaunch*", device, false},
    {"cuStream*", device, false},
    {"cuGetProcAddress*", device, false},
    {"read", talks, false},
    {"write", talks, false},
    {"pread*", talks, false},
    {"pwrite*", talks, false},
    {"send", talks, false},
    {"sendto", talks, false},
    {"sendmsg", talks, false},
    {"recv", talks, false},
    {"recvfrom", talks, false},
    {"recvmsg", talks, false},
    {"poll", talks, false},
    {"open", talks, false},
    {"open64", talks, false},
    {"openat*", talks, false},
    {"close", talks, false},
    {"memcmp", talks, false},
    {"memcpy", talks, false},
    {"memmove", talks, false},
    {"memset", talks, false},
    {"malloc", gives_memory, false},
    {"calloc", gives_memory, false},
    {"realloc", gives_memory, false},
    {"free", gives_memory, false},
    {"aligned_alloc", gives_memory, false},
    {"posix_memalign", gives_memory, false},
    {"mmap", gives_memory, false},
    {"mmap64", gives_memory, false},
    {"munmap", gives_memory, false},
    {"dlopen", loads, false},
    {"dlsym", loads, false},
    {"dl_iterate_phdr", loads, false},
    {"exit", ends_it, false},
    {"_exit", ends_it, false},
    {"_Exit", ends_it, false},
    {"abort", ends_it, false},
    {"getpid", ends_it, false},
};

/* What a static CUDA runtime imports and hardly anything else does, all of it together: there
 * `kill` and `mprotect` cannot be told from the runtime's own, and are let through. */
static const char *const cudart_marks[] = {"nftw", "mkfifo", "shmctl", "dlvsym", "get_nprocs"};
#define CUDART_MARKS (sizeof cudart_marks / sizeof *cudart_marks)

static const listed *find(const listed *list, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(list[i].name);
        if (list[i].name[length - 1] == '*' ? strncmp(name, list[i].name, length - 1) == 0
                                            : strcmp(name, list[i].name) == 0)
            return &list[i];
    }
    return NULL;
}

/* The file. Only what the loader itself goes by is looked at: the dynamic table and what it points
 * to. Section headers can be anything, or missing. */

#define MAX_TABLE_BYTES ((uint64_t)1 << 28) /* of one table; symbols of 11 million */
#define MAX_SEGMENTS 64
#define MAX_CHAIN 65536 /* symbols of one hash */

typedef struct {
    int file;
    uint64_t file_bytes;
    Elf64_Phdr loads[MAX_SEGMENTS];
    size_t load_count;
    /* from the dynamic table: addresses, and sizes in bytes; 0: none */
    uint64_t symbols_at, strings_at, strings_bytes, hash_at, gnu_hash_at;
    uint64_t rela_at[2], rela_bytes[2]; /* DT_RELA, DT_JMPREL */
    bool other_relocations;             /* DT_REL, which a 64-bit loader does not apply here */
    char *strings;
    Elf64_Sym *symbols;
    size_t symbol_count;
    const char *broken; /* what could not be followed */
} object;

static bool broken(object *o, const char *what) {
    if (!o->broken)
        o->broken = what;
    return false;
}

static bool read_at(object *o, uint64_t offset, void *out, uint64_t bytes) {
    if (offset > o->file_bytes || bytes > o->file_bytes - offset)
        return broken(o, "a table lies outside of the file");
    for (uint64_t done = 0; done < bytes;) {
        ssize_t got = pread(o->file, (char *)out + done, bytes - done, (off_t)(offset + done));
        if (got <= 0)
            return broken(o, "the file cannot be read");
        done += (uint64_t)got;
    }
    return true;
}

/* Bytes that the file holds from an address on, to the end of its segment. */
static uint64_t bytes_from(const object *o, uint64_t address, uint64_t *offset) {
    for (size_t i = 0; i < o->load_count; i++) {
        const Elf64_Phdr *load = &o->loads[i];
        if (address >= load->p_vaddr && address - load->p_vaddr < load->p_filesz) {
            *offset = load->p_offset + (address - load->p_vaddr);
            return load->p_filesz - (address - load->p_vaddr);
        }
    }
    return 0;
}

/* A copy of what is loaded at an address. Caller frees; NULL after noting what is broken. */
static void *copy_table(object *o, uint64_t address, uint64_t bytes) {
    uint64_t offset = 0;
    if (bytes > MAX_TABLE_BYTES || bytes > bytes_from(o, address, &offset)) {
        broken(o, "a table lies outside of what is loaded");
        return NULL;
    }
    void *table = malloc(bytes ? bytes : 1);
    if (!table)
        abort();
    if (read_at(o, offset, table, bytes))
        return table;
    free(table);
    return NULL;
}

static bool read_word(object *o, uint64_t address, uint32_t *word) {
    uint64_t offset = 0;
    if (bytes_from(o, address, &offset) < sizeof *word)
        return broken(o, "a hash table lies outside of what is loaded");
    return read_at(o, offset, word, sizeof *word);
}

/* The segments; where the dynamic table is. */
static bool read_segments(object *o, Elf64_Phdr *dynamic) {
    static const unsigned char native[] = {
        ELFMAG0,
        ELFMAG1,
        ELFMAG2,
        ELFMAG3,
        ELFCLASS64,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        ELFDATA2LSB
#else
        ELFDATA2MSB
#endif
    };
    Elf64_Ehdr header;
    if (!read_at(o, 0, &header, sizeof header) ||
        memcmp(header.e_ident, native, sizeof native) != 0 || header.e_type != ET_DYN)
        return broken(o, "it is no shared object of this machine");
    if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > MAX_SEGMENTS)
        return broken(o, "it has too many segments");
    dynamic->p_type = PT_NULL;
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        if (!read_at(o, header.e_phoff + i * sizeof segment, &segment, sizeof segment))
            return false;
        if (segment.p_type == PT_DYNAMIC)
            *dynamic = segment;
        if (segment.p_type != PT_LOAD)
            continue;
        if (segment.p_filesz > segment.p_memsz || segment.p_vaddr > UINT64_MAX - segment.p_memsz ||
            segment.p_offset > UINT64_MAX - segment.p_filesz)
            return broken(o, "a segment is larger than itself");
        /* Of two that overlap, which one counts would be the loader's secret. */
        const Elf64_Phdr *last = o->load_count ? &o->loads[o->load_count - 1] : NULL;
        if (last && segment.p_vaddr < last->p_vaddr + last->p_memsz)
            return broken(o, "its segments overlap");
        o->loads[o->load_count++] = segment;
    }
    return dynamic->p_type == PT_DYNAMIC || broken(o, "it has no dynamic table");
}

static bool read_dynamic(object *o, const Elf64_Phdr *dynamic) {
    Elf64_Dyn *entries = copy_table(o, dynamic->p_vaddr, dynamic->p_memsz);
    size_t count = dynamic->p_memsz / sizeof *entries;
    for (size_t i = 0; entries && i < count && entries[i].d_tag != DT_NULL; i++) {
        uint64_t value = entries[i].d_un.d_val;
        switch (entries[i].d_tag) {
        case DT_SYMTAB:
            o->symbols_at = value;
            break;
        case DT_STRTAB:
            o->strings_at = value;
            break;
        case DT_STRSZ:
            o->strings_bytes = value;
            break;
        case DT_HASH:
            o->hash_at = value;
            break;
        case DT_GNU_HASH:
            o->gnu_hash_at = value;
            break;
        case DT_RELA:
            o->rela_at[0] = value;
            break;
        case DT_RELASZ:
            o->rela_bytes[0] = value;
            break;
        case DT_JMPREL:
            o->rela_at[1] = value;
            break;
        case DT_PLTRELSZ:
            o->rela_bytes[1] = value;
            break;
        case DT_REL:
            o->other_relocations = true;
            break;
        default:
            break;
        }
    }
    free(entries);
    return !o->broken && (!o->other_relocations || broken(o, "it has relocations of another kind"));
}

/* How many symbols a lookup by the GNU hash table can reach: the last chain ends with a set bit. */
static bool count_hashed(object *o, size_t *count) {
    uint32_t head[4]; /* buckets, first symbol, words of the filter, its shift */
    *count = 0;
    for (size_t i = 0; i < 4; i++)
        if (!read_word(o, o->gnu_hash_at + 4 * i, &head[i]))
            return false;
    uint64_t buckets = o->gnu_hash_at + sizeof head + (uint64_t)head[2] * 8;
    uint32_t *bucket = copy_table(o, buckets, (uint64_t)head[0] * 4);
    uint32_t last = 0, word = 0;
    for (size_t i = 0; bucket && i < head[0]; i++)
        last = bucket[i] > last ? bucket[i] : last;
    free(bucket);
    if (o->broken || last == 0)
        return !o->broken;
    if (last < head[1])
        return broken(o, "a hash table points before its symbols");
    uint64_t chain = buckets + (uint64_t)head[0] * 4;
    for (uint32_t first = last; !(word & 1); last++)
        if (last - first > MAX_CHAIN)
            return broken(o, "a hash table does not end");
        else if (!read_word(o, chain + (uint64_t)(last - head[1]) * 4, &word))
            return false;
    *count = last;
    return true;
}

/* One past the last symbol that the loader can come to: through a relocation or a hash table. */
static bool count_symbols(object *o, const Elf64_Rela *const *rela) {
    size_t count = 0;
    uint32_t chains = 0;
    if (o->gnu_hash_at && !count_hashed(o, &count))
        return false;
    if (o->hash_at && !read_word(o, o->hash_at + 4, &chains))
        return false;
    count = chains > count ? chains : count;
    for (int list = 0; list < 2; list++)
        for (size_t i = 0; i < o->rela_bytes[list] / sizeof(Elf64_Rela); i++) {
            size_t symbol = ELF64_R_SYM(rela[list][i].r_info);
            count = symbol + 1 > count ? symbol + 1 : count;
        }
    o->symbol_count = count;
    return true;
}

static bool read_tables(object *o) {
    Elf64_Rela *rela[2] = {NULL, NULL};
    for (int list = 0; list < 2; list++)
        if (o->rela_bytes[list])
            rela[list] = copy_table(o, o->rela_at[list], o->rela_bytes[list]);
    if (!o->broken && count_symbols(o, (const Elf64_Rela *const *)rela)) {
        o->symbols = copy_table(o, o->symbols_at, o->symbol_count * sizeof *o->symbols);
        o->strings = copy_table(o, o->strings_at, o->strings_bytes);
        if (o->strings && (!o->strings_bytes || o->strings[o->strings_bytes - 1] != '\0'))
            broken(o, "its names do not end");
    }
    free(rela[0]);
    free(rela[1]);
    return !o->broken;
}

/* Symbols in the tables that nothing reaches are looked at too: they are few, and no secret. */
static bool judge_symbols(object *o, char *why, size_t size) {
    bool marks[CUDART_MARKS] = {false};
    const listed *import = NULL, *excused = NULL, *export = NULL;
    const char *import_name = "", *excused_name = "", *export_name = "";
    for (size_t i = 1; i < o->symbol_count; i++) {
        const Elf64_Sym *symbol = &o->symbols[i];
        if (symbol->st_name >= o->strings_bytes)
            return !broken(o, "a name lies outside of the names");
        const char *name = o->strings + symbol->st_name;
        if (symbol->st_shndx != SHN_UNDEF) {
            const listed *found = ELF64_ST_BIND(symbol->st_info) == STB_LOCAL
                                      ? NULL
                                      : find(exports, sizeof exports / sizeof *exports, name);
            if (found && !export)
                export = found, export_name = name;
            continue;
        }
        for (size_t mark = 0; mark < CUDART_MARKS; mark++)
            marks[mark] = marks[mark] || strcmp(name, cudart_marks[mark]) == 0;
        const listed *found = find(imports, sizeof imports / sizeof *imports, name);
        if (found && found->in_cudart && !excused)
            excused = found, excused_name = name;
        else if (found && !found->in_cudart && !import)
            import = found, import_name = name;
    }
    bool has_cudart = true;
    for (size_t mark = 0; mark < CUDART_MARKS; mark++)
        has_cudart = has_cudart && marks[mark];
    if (!import && excused && !has_cudart)
        import = excused, import_name = excused_name;
    if (import)
        snprintf(why, size, "imports %s: %s", import_name, import->reason);
    else if (export)
        snprintf(why, size, "exports %s: %s", export_name, export->reason);
    return import || export;
}

bool tm_symbols_refused(const char *path, char *why, size_t size) {
    object o = {.file = open(path, O_RDONLY | O_CLOEXEC)};
    Elf64_Phdr dynamic;
    off_t end = o.file >= 0 ? lseek(o.file, 0, SEEK_END) : -1;
    bool refused = false;
    if (end < 0)
        broken(&o, strerror(errno));
    o.file_bytes = end < 0 ? 0 : (uint64_t)end;
    if (!o.broken && read_segments(&o, &dynamic) && read_dynamic(&o, &dynamic) && read_tables(&o))
        refused = judge_symbols(&o, why, size);
    if (o.broken) {
        snprintf(why, size, "its symbols cannot be read: %s", o.broken);
        refused = true;
    }
    free(o.strings);
    free(o.symbols);
    if (o.file >= 0)
        close(o.file);
    return refused;
}
