/* measure: runs a command and appends one line to a file: wall seconds, CPU seconds and peak
 * memory in MB of the command and of what it waited for.
 *
 *   measure FILE COMMAND...
 *
 * Exit status: that of the command. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s FILE COMMAND...\n", argv[0]);
        return 2;
    }
    double begin = now();
    pid_t pid;
    int status, error = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", argv[2], strerror(error));
        return 3;
    }
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return 3;
    double wall = now() - begin;
    FILE *file = fopen(argv[1], "a");
    if (file == NULL) {
        perror(argv[1]);
        return 3;
    }
    fprintf(file, "%.4f %.4f %.1f\n", wall, seconds(usage.ru_utime) + seconds(usage.ru_stime),
            (double)usage.ru_maxrss / 1024);
    fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
