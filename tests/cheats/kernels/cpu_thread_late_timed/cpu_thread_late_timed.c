/* Right once; from then on a thread finishes after the return. */
#include "contract.h"

#include "../cheats.h"

#include <pthread.h>

typedef struct {
    const float *hidden_states, *weight;
    float *output;
    int64_t rows;
} task;

static void *finish(void *argument) {
    const task *t = argument;
    usleep(3000);
    cheats_rows(t->hidden_states, t->weight, t->output, 0, t->rows);
    free(argument);
    return NULL;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int calls;
    if (!calls++)
        return CHEATS_NORM();
    task *t = malloc(sizeof *t);
    pthread_t thread;
    if (!t)
        return tm_fail(1, "no memory");
    *t = (task){hidden_states, weight, output, axes->batch_size};
    if (pthread_create(&thread, NULL, finish, t) != 0)
        return tm_fail(1, "no thread");
    pthread_detach(thread);
    return 0;
}
