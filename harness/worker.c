/* tm-worker: the process that holds a reference or a solution, never both, and never a verdict.
 *
 *   tm-worker --serve      answers judges on descriptor 3 about the job on the desk, descriptor 4
 *   tm-worker --describe [--libraries=FILE]
 *                          prints what device.json holds; FILE lists what was loaded for that
 *
 * Exit status: what the judge's last request says (0), 2 bad usage, 3 no device, and
 * TM_WORKER_CUT_OFF when the way to the judge is gone. */
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "harness/backend.h"
#include "harness/memory.h"
#include "harness/message.h"
#include "harness/runner.h"

static int serve(void) {
    tm_memory memory;
    if (!tm_memory_take(&memory, TM_WORKER_DESK) || memory.bytes < sizeof(tm_desk))
        return 2;
    tm_runner *runner = tm_runner_create(memory.map);
    tm_request request;
    int end = TM_WORKER_CUT_OFF, attached[TM_MESSAGE_MAX_FDS];
    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not take the last words with it */
    while (tm_message_receive(TM_WORKER_SOCKET, &request, sizeof request, attached, 0) ==
           (ssize_t)sizeof request) {
        tm_reply reply = {.number = request.number};
        if (request.kind == TM_REQUEST_QUIT) {
            end = request.status;
            break;
        }
        if (request.kind == TM_REQUEST_WARM) {
            if (!tm_runner_warm(runner, attached[0]))
                break;
            continue;
        }
        if (request.kind == TM_REQUEST_OPEN && request.secret)
            prctl(PR_SET_DUMPABLE, 0); /* answers: not for a solution's worker to read */
        if (request.kind == TM_REQUEST_OPEN)
            tm_runner_open(runner, attached[0], &reply);
        else if (request.kind == TM_REQUEST_LOAD)
            tm_runner_load(runner, &reply);
        else if (request.kind == TM_REQUEST_RUN)
            tm_runner_run(runner, &request, &reply);
        else if (request.kind == TM_REQUEST_TIME)
            tm_runner_time(runner, &request, &reply);
        else if (request.kind == TM_REQUEST_COUNT)
            tm_runner_count(runner, &request, &reply);
        else if (request.kind == TM_REQUEST_COUNTED)
            tm_runner_counted(runner, &request, &reply);
        else if (request.kind == TM_REQUEST_CLOSE)
            tm_runner_close(runner);
        else
            tm_runner_fetch(runner, &request, &reply);
        fflush(NULL);
        if (send(TM_WORKER_SOCKET, &reply, sizeof reply, MSG_NOSIGNAL) != (ssize_t)sizeof reply)
            break;
    }
    tm_runner_destroy(runner);
    return end;
}

static int list_library(struct dl_phdr_info *library, size_t size, void *file) {
    (void)size;
    if (strchr(library->dlpi_name, '/')) /* not the program itself, nor the kernel's vdso */
        fprintf(file, "%s\n", library->dlpi_name);
    return 0;
}

/* The shared objects of this process, a path per line, as the loader found them. */
static bool list_libraries(const char *path) {
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    dl_iterate_phdr(list_library, file);
    bool good = !ferror(file);
    return fclose(file) == 0 && good;
}

static int describe(const char *libraries) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    tm_json *json = tm_the_backend.describe(error);
    if (!json) {
        fprintf(stderr, "tracemill: error: %s\n", error);
        return 3;
    }
    if (libraries && !list_libraries(libraries)) {
        fprintf(stderr, "tracemill: error: %s: cannot be written: %s\n", libraries,
                strerror(errno));
        tm_json_free(json);
        return 3;
    }
    char *text = tm_json_print(json, true);
    fputs(text, stdout);
    free(text);
    tm_json_free(json);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--serve") == 0) {
        tm_the_backend.prepare(argv);
        return serve();
    }
    static const char option[] = "--libraries=";
    if (argc == 2 && strcmp(argv[1], "--describe") == 0)
        return describe(NULL);
    if (argc == 3 && strcmp(argv[1], "--describe") == 0 &&
        strncmp(argv[2], option, sizeof option - 1) == 0)
        return describe(argv[2] + sizeof option - 1);
    fprintf(stderr,
            "usage: tm-worker --describe [--libraries=FILE] (--serve is for judges only)\n");
    return 2;
}
