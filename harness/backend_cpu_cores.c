#include "harness/backend_cpu_cores.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "{0},{1},...": each core that this process may use, by number. The name "threads" would make
 * libgomp read /sys, which is not everywhere, and complain on standard error. False without room.
 */
static bool list_places(char *places, size_t size) {
    cpu_set_t cores;
    size_t length = 0;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return false;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &cores)) {
            int more = snprintf(places + length, size - length, "%s{%d}", length ? "," : "", core);
            if (more < 0 || (size_t)more >= size - length)
                return false;
            length += (size_t)more;
        }
    return length > 0;
}

void tm_cores_prepare(char *const *argv) {
    char places[CPU_SETSIZE * 8];
    if (getenv("OMP_PROC_BIND") || getenv("OMP_PLACES") || !list_places(places, sizeof places) ||
        setenv("OMP_PROC_BIND", "close", 1) != 0 || setenv("OMP_PLACES", places, 1) != 0)
        return;
    fflush(NULL);
    /* By its path, where there is one: under valgrind /proc/self/exe is valgrind. */
    execv(strchr(argv[0], '/') ? argv[0] : "/proc/self/exe", argv);
    unsetenv("OMP_PROC_BIND");
    unsetenv("OMP_PLACES");
}

/* All cores of the process: bound to one of its places, the thread itself sees fewer. */
static void find_cores(cpu_set_t *cores) {
    CPU_ZERO(cores);
    for (int place = 0; place < omp_get_num_places(); place++) {
        int ids[CPU_SETSIZE], count = omp_get_place_num_procs(place);
        if (count > CPU_SETSIZE)
            continue;
        omp_get_place_proc_ids(place, ids);
        for (int i = 0; i < count; i++)
            if (ids[i] < CPU_SETSIZE)
                CPU_SET(ids[i], cores);
    }
    if (CPU_COUNT(cores) == 0)
        sched_getaffinity(0, sizeof *cores, cores);
}

void tm_cores_free_new_threads(void) {
    cpu_set_t cores;
    pthread_attr_t attributes;
    if (omp_get_num_places() == 0 || pthread_getattr_default_np(&attributes) != 0)
        return;
    find_cores(&cores);
    if (pthread_attr_setaffinity_np(&attributes, sizeof cores, &cores) == 0)
        pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
}

/* The first line of a file about one core. */
static bool read_cpufreq(int core, const char *name, char *line, int size) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/%s", core, name);
    FILE *file = fopen(path, "re");
    bool found = file && fgets(line, size, file);
    if (file)
        fclose(file);
    if (found)
        line[strcspn(line, "\n")] = '\0';
    return found;
}

void tm_cores_describe(tm_json *device) {
    cpu_set_t cores;
    char line[64];
    find_cores(&cores);
    tm_json_set_int(device, "cores", CPU_COUNT(&cores));
    tm_json_set_bool(device, "pinned", omp_get_proc_bind() != omp_proc_bind_false);
    int first = 0;
    while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &cores))
        first++;
    if (read_cpufreq(first, "scaling_governor", line, sizeof line))
        tm_json_set_string(device, "governor", line);
    if (read_cpufreq(first, "scaling_max_freq", line, sizeof line)) /* in kHz */
        tm_json_set_int(device, "max_mhz", strtol(line, NULL, 10) / 1000);
}
