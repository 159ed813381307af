/* tm-worker: the process that holds a reference or a solution, never both, and never a verdict.
 *
 *   tm-worker --serve      answers a judge on descriptor 3 over the shared memory on descriptor 4
 *   tm-worker --describe   prints what device.json holds
 *
 * Exit status: 0, 2 bad usage, 3 no device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "harness/backend.h"
#include "harness/runner.h"

static int serve(void) {
    struct stat status;
    if (fstat(4, &status) != 0 || status.st_size < (off_t)sizeof(tm_job))
        return 2;
    tm_job *job = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, 4, 0);
    if (job == MAP_FAILED)
        return 3;
    tm_runner *runner = tm_runner_create(job);
    tm_request request;
    while (recv(3, &request, sizeof request, 0) == (ssize_t)sizeof request) {
        tm_reply reply = {0};
        if (request.kind == TM_REQUEST_QUIT)
            break;
        if (request.kind == TM_REQUEST_LOAD)
            tm_runner_load(runner, &reply);
        else if (request.kind == TM_REQUEST_RUN)
            tm_runner_run(runner, &request, &reply);
        else
            tm_runner_time(runner, &request, &reply);
        fflush(NULL);
        if (send(3, &reply, sizeof reply, MSG_NOSIGNAL) != (ssize_t)sizeof reply)
            break;
    }
    tm_runner_destroy(runner);
    return 0;
}

static int describe(void) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    tm_json *json = tm_the_backend.describe(error);
    if (!json) {
        fprintf(stderr, "tracemill: error: %s\n", error);
        return 3;
    }
    char *text = tm_json_print(json, true);
    fputs(text, stdout);
    free(text);
    tm_json_free(json);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--serve") == 0)
        return serve();
    if (argc == 2 && strcmp(argv[1], "--describe") == 0)
        return describe();
    fprintf(stderr, "usage: tm-worker --describe (--serve is for judges only)\n");
    return 2;
}
