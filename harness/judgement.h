/* judgement: one cell being judged, and its two workers. Internal to the judge. */
#ifndef TM_JUDGEMENT_H
#define TM_JUDGEMENT_H

#include "harness/answers.h"
#include "harness/child.h"
#include "harness/judge.h"

/* Outputs of so many bytes are worth a thread of their own. */
#define TM_LATER_BYTES ((uint64_t)1 << 20)

/* How a question to a worker ended for the cell. */
typedef enum {
    TM_GO_ON,
    TM_VERDICT, /* the outcome has it */
    TM_BROKEN,  /* the harness or the environment failed; an error has been appended */
    TM_KILLED_FROM_OUTSIDE
} tm_step;

/* One side: a worker and what it works on. Each has the cell's whole time limit for itself: a slow
 * reference is no fault of the solution. */
typedef struct {
    int which; /* TM_SIDE_REFERENCE, TM_SIDE_SOLUTION */
    const char *name, *object;
    const tm_job *job;
    tm_child child;
    bool is_open;     /* job taken, object loaded */
    bool is_spoilt;   /* it cannot serve another cell */
    uint64_t left_ns; /* of the time limit */
    char clock[16];
} tm_side;

typedef struct {
    const tm_cell *cell;
    tm_outcome *outcome;
    tm_arena *arena;
    tm_diag *diag;
    const char *worker; /* path of tm-worker */
    int keeper;         /* -1: workers of our own */
    tm_side sides[2];
    tm_answers answers;
    tm_inputs *inputs;                /* of the call that is looked at; NULL: no trial yet */
    struct tm_comparison *comparison; /* that goes on; NULL: none */
    tm_gauge *gauge;                  /* of our own, without a keeper; NULL: none */
    bool is_apart;                    /* calls do not run on the judge's processors */
    int later_threads;                /* that a thread of the judge may have itself; 0: none */
    int pauses;                       /* taken for a slow device */
    bool repeated;                    /* this is the second attempt */
} tm_judgement;

/* Sets the verdict. Always TM_VERDICT. */
tm_step tm_conclude(tm_judgement *j, tm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A verdict about the solution or, when it is the reference that failed, VOID with the reason: that
 * is a fault of the data, which must not stop the rest of the matrix. Always TM_VERDICT. */
tm_step tm_conclude_side(tm_judgement *j, const tm_side *side, tm_status status, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));
/* What one line can show of a text that a worker has made: no control characters, cut to fit. */
void tm_copy_line(char *out, size_t size, const char *text, size_t length);

/* Starts or borrows a worker for the side, gives it the job and room for its outputs, and has it
 * load the object. */
tm_step tm_side_open(tm_judgement *j, tm_side *side);
/* Gives the side's worker another job of the same row. `full` as for tm_side_try. */
tm_step tm_side_change(tm_judgement *j, tm_side *side, const tm_job *job, bool *full);
/* Asks the side's worker; anything but TM_REPLY_OK becomes a verdict or an error. */
tm_step tm_side_ask(tm_judgement *j, tm_side *side, tm_request *request, tm_reply *reply);
/* The same, but want of the device's memory is no verdict: TM_GO_ON, and *full. NULL: it is one. */
tm_step tm_side_try(tm_judgement *j, tm_side *side, tm_request *request, tm_reply *reply,
                    bool *full);
/* Ends the worker or gives it back; its words go to the outcome's log when they belong there. */
void tm_side_close(tm_judgement *j, tm_side *side);

/* Sees to it that j->answers are there: recalled, or made by the reference's worker. */
tm_step tm_answers_get(tm_judgement *j);

/* One request for timed calls; their samples are added to the trial's. */
tm_step tm_trial_measure(tm_judgement *j, tm_side *side, tm_request *request, tm_trial *trial);
/* Where outputs are samples: calls of the solution that are counted, and judged by what came how
 * often. After the trials. */
tm_step tm_distribution_check(tm_judgement *j);
/* All trials of the solution; the outcome has their figures when TM_GO_ON. */
tm_step tm_trials_run(tm_judgement *j);

#endif
