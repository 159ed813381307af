/* Starts threads of its own and waits for them. */
#include "contract.h"

#include "../../../kernels/cheats.h"

#include <pthread.h>

typedef struct {
    const float *hidden_states, *weight;
    float *output;
    int64_t begin, end;
} task;

static void *work(void *argument) {
    const task *t = argument;
    cheats_rows(t->hidden_states, t->weight, t->output, t->begin, t->end);
    return NULL;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    (void)stream;
    pthread_t threads[2];
    task tasks[2];
    for (int i = 0; i < 2; i++) {
        tasks[i] = (task){hidden_states, weight, output, axes->batch_size * i / 2,
                          axes->batch_size * (i + 1) / 2};
        if (pthread_create(&threads[i], NULL, work, &tasks[i]) != 0)
            return tm_fail(1, "no thread");
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
