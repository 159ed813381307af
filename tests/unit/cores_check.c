/* cores_check: are the threads of a CPU worker bound, and does everybody get all cores?
 *
 * Prints one line per check. Exit 0: all good, 1: some failed, 77: one core only. */
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/backend.h"

static int say(const char *name, bool good, int expected, int got) {
    printf("%s %s: expected %d, got %d\n", good ? "ok  " : "FAIL", name, expected, got);
    return good ? 0 : 1;
}

/* How many cores the calling thread may use. */
static int allowed(cpu_set_t *cores) {
    CPU_ZERO(cores);
    return sched_getaffinity(0, sizeof *cores, cores) == 0 ? CPU_COUNT(cores) : -1;
}

static void *count_in_thread(void *count) {
    cpu_set_t cores;
    *(int *)count = allowed(&cores);
    return NULL;
}

/* `cores` is how many the process had before prepare. */
static int check(int cores) {
    int failures = 0, own_thread = 0, team = 0, narrow = 0;
    char error[TM_BACKEND_ERROR_BYTES] = "";
    cpu_set_t mask, together;
    CPU_ZERO(&together);
    bool full;
    tm_backend *backend = tm_the_backend.open(0, &full, error);
    if (!backend) {
        printf("FAIL open: %s\n", error);
        return 1;
    }
    int main_thread = allowed(&mask);
    failures += say("cores of the thread of main()", main_thread == 1, 1, main_thread);
    pthread_t thread;
    if (pthread_create(&thread, NULL, count_in_thread, &own_thread) == 0)
        pthread_join(thread, NULL);
    failures +=
        say("cores of a thread that a solution starts", own_thread == cores, cores, own_thread);
#pragma omp parallel reduction(+ : team, narrow) private(mask)
    {
        team++;
        narrow += allowed(&mask) == 1;
#pragma omp critical
        CPU_OR(&together, &together, &mask);
    }
    failures += say("threads of OpenMP", team == cores, cores, team);
    failures += say("of them, bound to one core", narrow == cores, cores, narrow);
    failures +=
        say("different cores of them", CPU_COUNT(&together) == cores, cores, CPU_COUNT(&together));
    tm_json *json = tm_the_backend.describe(error);
    char *text = json ? tm_json_print(json, false) : NULL, want[64];
    snprintf(want, sizeof want, "\"cores\":%d,\"pinned\":true", cores);
    bool described = text && strstr(text, want);
    printf("%s describe: expected %s, got %s\n", described ? "ok  " : "FAIL", want, text);
    free(text);
    tm_json_free(json);
    tm_the_backend.close(backend);
    return failures + !described > 0;
}

/* The same with one core taken away from the process: its own mask counts, not the machine. */
static int check_one_less(void) {
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cpu_set_t mask;
        int first = 0;
        allowed(&mask);
        while (!CPU_ISSET(first, &mask))
            first++;
        CPU_CLR(first, &mask);
        sched_setaffinity(0, sizeof mask, &mask);
        execl("/proc/self/exe", "cores_check", "--once", (char *)NULL);
        _exit(3);
    }
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

int main(int argc, char **argv) {
    static const char before[] = "TM_CORES_CHECK"; /* what there was before prepare */
    cpu_set_t mask;
    bool once = argc == 2 && strcmp(argv[1], "--once") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!getenv(before)) {
        char count[16];
        int failures = 0, cores = allowed(&mask);
        unsetenv("OMP_PROC_BIND");
        unsetenv("OMP_PLACES");
        unsetenv("OMP_NUM_THREADS");
        if (!once && cores < 2) {
            printf("SKIPPED: one core only\n");
            return 77;
        }
        if (!once)
            failures = check_one_less();
        if (failures)
            return 1;
        snprintf(count, sizeof count, "%d", cores);
        setenv(before, count, 1);
    }
    tm_the_backend.prepare(argv);
    return check(atoi(getenv(before)));
}
