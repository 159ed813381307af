#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/judgement.h"
#include "harness/keeper.h"
#include "harness/lock.h"
#include "harness/room.h"

/* How long a worker may take to give back its memory before it is ended for it. */
#define CLOSING_NS UINT64_C(5000000000)
/* Of a device's memory, what a workload can have beside the harness and two contexts. */
#define USABLE_PART 0.9

tm_step tm_conclude(tm_judgement *j, tm_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    j->outcome->status = status;
    vsnprintf(j->outcome->reason, sizeof j->outcome->reason, format, arguments);
    va_end(arguments);
    return TM_VERDICT;
}

static const char *request_name(const tm_request *request) {
    static const char *const names[] = {"its start",
                                        "loading",
                                        "a checked call",
                                        "a timed call",
                                        "delivering its outputs",
                                        "a counted call",
                                        "delivering counts",
                                        "closing",
                                        "quitting"};
    return names[request->kind];
}

void tm_copy_line(char *out, size_t size, const char *text, size_t length) {
    size_t count = length < size - 1 ? length : size - 1;
    for (size_t i = 0; i < count; i++)
        out[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
    out[count] = '\0';
}

/* The last line that a worker has printed, or "". */
static void last_words(const tm_child *child, char *out, size_t size) {
    const char *log = tm_text_get(&child->log);
    size_t end = child->log.length, begin;
    while (end > 0 && (unsigned char)log[end - 1] <= ' ')
        end--;
    for (begin = end; begin > 0 && log[begin - 1] != '\n';)
        begin--;
    tm_copy_line(out, size, log + begin, child->dropped_bytes ? 0 : end - begin);
}

tm_step tm_conclude_side(tm_judgement *j, const tm_side *side, tm_status status, const char *format,
                         ...) {
    char what[800], words[200] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (side->which == TM_SIDE_SOLUTION)
        return tm_conclude(j, status, "%s", what);
    last_words(&side->child, words, sizeof words);
    return tm_conclude(j, TM_STATUS_VOID, "no verdict: the reference %s: %s%s%s", side->name, what,
                       words[0] ? "; it said: " : "", words);
}

/* A worker that failed before anything but our own code was in it. */
__attribute__((format(printf, 3, 4))) static tm_step break_off(tm_judgement *j, tm_side *side,
                                                               const char *format, ...) {
    char what[400], words[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    last_words(&side->child, words, sizeof words);
    tm_diag_error(j->diag, tm_diag_command_line, side->name,
                  "%s: the worker of %s %s%s%s; run it by hand without --trace to see it again",
                  j->worker, j->cell->table->uuid, what, words[0] ? "; it said: " : "", words);
    return TM_BROKEN;
}

/* A worker that ended instead of answering. */
static tm_step judge_end(tm_judgement *j, tm_side *side, const tm_request *request,
                         tm_child_outcome how, int code) {
    const char *during = request_name(request);
    double limit = j->cell->config.timeout_seconds;
    bool ours = request->kind == TM_REQUEST_OPEN;
    switch (how) {
    case TM_CHILD_TIMED_OUT:
        if (ours)
            return break_off(j, side,
                             "did not open the device within the %g s of --timeout; raise "
                             "it if the device is only slow",
                             limit);
        if (side->which == TM_SIDE_REFERENCE)
            return tm_conclude_side(j, side, TM_STATUS_TIMEOUT,
                                    "it needed more than the %g s of --timeout during %s; raise it",
                                    limit, during);
        return tm_conclude(j, TM_STATUS_TIMEOUT, "no answer to %s within the %g s of the cell",
                           during, limit);
    case TM_CHILD_EXITED:
        if (ours)
            return break_off(j, side, "ended with exit status %d during %s", code, during);
        return tm_conclude_side(j, side, TM_STATUS_RUNTIME_ERROR,
                                "the process ended with exit status %d during %s", code, during);
    case TM_CHILD_KILLED:
        tm_conclude_side(j, side, TM_STATUS_RUNTIME_ERROR, "killed by signal %d (%s) during %s",
                         code, strsignal(code), during);
        /* From outside (a person, the system short of memory): once is no verdict. */
        if (code == SIGKILL && !j->repeated)
            return TM_KILLED_FROM_OUTSIDE;
        return ours ? break_off(j, side, "was killed by signal %d (%s) during %s", code,
                                strsignal(code), during)
                    : TM_VERDICT;
    default:
        if (ours)
            return break_off(j, side, "closed its connection to the judge during %s", during);
        if (j->cell->in_process && side->which == TM_SIDE_SOLUTION) /* nobody waits for it */
            return tm_conclude(j, TM_STATUS_RUNTIME_ERROR,
                               "this process ended during %s: the shell or the debugger has its "
                               "signal or exit status",
                               during);
        return tm_conclude_side(
            j, side, TM_STATUS_RUNTIME_ERROR,
            "the process closed its connection to the judge, or sent what is no "
            "answer, during %s",
            during);
    }
}

/* Whether the device would have room, were others not using it. */
static bool would_fit(const tm_judgement *j, const tm_side *side, const tm_reply *reply) {
    const tm_node *memory = tm_node_get(tm_cell_device(j->cell), "memory_bytes");
    double needed = (double)side->job->output_bytes; /* outputs are kept twice */
    for (size_t i = 0; i < side->job->tensor_count; i++)
        needed += (double)side->job->tensors[i].bytes;
    return memory && memory->type == TM_NODE_NUMBER ? needed < USABLE_PART * memory->number
                                                    : reply->code == 1;
}

static tm_status status_of(const tm_reply *reply) {
    switch (reply->kind) {
    case TM_REPLY_WRONG_SHAPE:
        return TM_STATUS_INCORRECT_SHAPE;
    case TM_REPLY_WRONG_DTYPE:
        return TM_STATUS_INCORRECT_DTYPE;
    default:
        return TM_STATUS_RUNTIME_ERROR;
    }
}

/* From its load on, the solution speaks in its worker's name: whatever is said then is no fault of
 * the harness. What the environment lacks, the reference's worker has said before. A workload that
 * does not fit the device is a fault of neither. */
static tm_step judge_reply(tm_judgement *j, tm_side *side, const tm_request *request,
                           const tm_reply *reply) {
    char message[sizeof reply->message], words[200] = "";
    if (reply->kind == TM_REPLY_OK)
        return TM_GO_ON;
    tm_copy_line(message, sizeof message, reply->message, strlen(reply->message));
    if (reply->kind == TM_REPLY_OUT_OF_MEMORY &&
        (side->which == TM_SIDE_REFERENCE || request->kind == TM_REQUEST_OPEN)) {
        j->outcome->is_transient = would_fit(j, side, reply);
        return tm_conclude(j, TM_STATUS_VOID, "no verdict: %s", message);
    }
    if (request->kind == TM_REQUEST_OPEN ||
        (side->which == TM_SIDE_REFERENCE && reply->kind == TM_REPLY_HARNESS_FAILED)) {
        tm_diag_error(j->diag, tm_diag_command_line, side->name,
                      "%s; run it by hand without --trace to see it again", message);
        return TM_BROKEN;
    }
    if (reply->kind == TM_REPLY_ENTRY_FAILED && side->which == TM_SIDE_SOLUTION)
        last_words(&side->child, words, sizeof words);
    return tm_conclude_side(j, side, status_of(reply), "%s%s%s",
                            message[0] ? message : "the worker failed and does not say how",
                            words[0] ? "; it said: " : "", words);
}

static tm_step ask_attached(tm_judgement *j, tm_side *side, tm_request *request, int attached,
                            tm_reply *reply, bool *full) {
    int code;
    uint64_t begin_ns = tm_clock_ns();
    tm_child_outcome how =
        tm_child_ask(&side->child, request, attached, reply, begin_ns + side->left_ns, &code);
    uint64_t took_ns = tm_clock_ns() - begin_ns;
    side->left_ns -= took_ns < side->left_ns ? took_ns : side->left_ns;
    j->outcome->asking_ns[request->kind] += (double)took_ns;
    if (full) {
        *full = how == TM_CHILD_REPLIED && reply->kind == TM_REPLY_OUT_OF_MEMORY;
        if (*full)
            return TM_GO_ON;
    }
    tm_step step = how == TM_CHILD_REPLIED ? judge_reply(j, side, request, reply)
                                           : judge_end(j, side, request, how, code);
    side->is_spoilt = side->is_spoilt || step != TM_GO_ON;
    return step;
}

tm_step tm_side_ask(tm_judgement *j, tm_side *side, tm_request *request, tm_reply *reply) {
    return tm_side_try(j, side, request, reply, NULL);
}

tm_step tm_side_try(tm_judgement *j, tm_side *side, tm_request *request, tm_reply *reply,
                    bool *full) {
    return ask_attached(j, side, request, -1, reply, full);
}

/* Bytes of data that a worker may have, 0: no limit. Most of the memory, so that the rest of the
 * machine lives; a GPU's worker reserves far more than it uses, as AddressSanitizer does. */
static uint64_t memory_limit(const tm_cell *cell) {
#if !defined(__SANITIZE_ADDRESS__)
    const tm_node *backend = tm_node_get(cell->device, "backend");
    if (backend && backend->string && strcmp(backend->string, "cpu") == 0)
        return tm_room_bytes() / 4 * 3;
#else
    (void)cell;
#endif
    return 0;
}

static bool start(tm_judgement *j, tm_side *side) {
    uint64_t limit = memory_limit(j->cell);
    if (side->child.socket >= 0)
        return true; /* in process */
    if (j->keeper >= 0)
        return tm_keeper_borrow(
            j->keeper, &side->child, side->which, j->worker, side->object,
            side->job->library[0] ? side->job->library : NULL, j->cell->device_index,
            tm_lock_path(j->cell->device, tm_cell_device(j->cell), j->cell->root, j->arena), limit);
    return tm_child_start(&side->child, j->worker, limit);
}

/* A delivery for the outputs of the job: the worker's own if it is large enough. */
static bool make_room(tm_side *side) {
    tm_memory *own = &side->child.delivery;
    size_t needed = tm_job_delivery_bytes(side->job), bytes = own->bytes * 2;
    if (own->map && own->bytes >= needed)
        return true;
    bytes = bytes > TM_JOB_DELIVERY_BYTES ? bytes : TM_JOB_DELIVERY_BYTES;
    bytes = bytes > needed ? bytes : needed;
    tm_memory_close(own);
    side->child.delivery_is_new = true;
    if (!tm_memory_make(own, "tracemill-delivery", bytes))
        return false;
    tm_memory_populate(own);
    return true;
}

tm_step tm_side_open(tm_judgement *j, tm_side *side) {
    tm_request open = {.kind = TM_REQUEST_OPEN, .secret = side->which == TM_SIDE_REFERENCE};
    tm_request load = {.kind = TM_REQUEST_LOAD};
    tm_reply reply;
    uint64_t begin_ns = tm_clock_ns();
    bool started = start(j, side) && make_room(side);
    j->outcome->starting_ns += (double)(tm_clock_ns() - begin_ns);
    if (!started) {
        if (j->keeper >= 0 && !j->repeated && (errno == ECONNRESET || errno == EPIPE))
            return TM_KILLED_FROM_OUTSIDE; /* the keeper */
        tm_diag_error(j->diag, tm_diag_command_line, NULL,
                      "%s: cannot be started: %s; run ninja if it is missing, else free memory or "
                      "processes",
                      j->worker, strerror(errno));
        return TM_BROKEN;
    }
    ((tm_desk *)side->child.desk.map)->job = *side->job;
    int attached = side->child.delivery_is_new ? side->child.delivery.memfd : -1;
    tm_step step = ask_attached(j, side, &open, attached, &reply, NULL);
    if (step != TM_GO_ON)
        return step;
    tm_copy_line(side->clock, sizeof side->clock, reply.clock,
                 strnlen(reply.clock, sizeof reply.clock));
    step = tm_side_ask(j, side, &load, &reply);
    side->is_open = step == TM_GO_ON;
    return step;
}

tm_step tm_side_change(tm_judgement *j, tm_side *side, const tm_job *job, bool *full) {
    tm_request open = {.kind = TM_REQUEST_OPEN};
    tm_request load = {.kind = TM_REQUEST_LOAD};
    tm_reply reply;
    ((tm_desk *)side->child.desk.map)->job = *job;
    tm_step step = tm_side_try(j, side, &open, &reply, full);
    return step == TM_GO_ON && !(full && *full) ? tm_side_ask(j, side, &load, &reply) : step;
}

/* A worker that stays does not keep the memory of its last job. */
static void have_closed(tm_judgement *j, tm_side *side) {
    tm_request close = {.kind = TM_REQUEST_CLOSE};
    tm_reply reply;
    int code;
    uint64_t begin_ns = tm_clock_ns();
    if (tm_child_ask(&side->child, &close, -1, &reply, begin_ns + CLOSING_NS, &code) !=
            TM_CHILD_REPLIED ||
        reply.kind != TM_REPLY_OK)
        side->is_spoilt = true;
    j->outcome->asking_ns[TM_REQUEST_CLOSE] += (double)(tm_clock_ns() - begin_ns);
}

void tm_side_close(tm_judgement *j, tm_side *side) {
    tm_child *child = &side->child;
    if (child->keeper >= 0 && child->pid > 0 && !side->is_spoilt)
        have_closed(j, side);
    if (child->keeper >= 0 && child->pid > 0)
        tm_keeper_return(child, side->is_spoilt);
    tm_child_end(child);
    /* Of a reference only when it is the reason that there is no verdict. */
    if (side->which == TM_SIDE_SOLUTION || j->outcome->status == TM_STATUS_VOID) {
        tm_text_add(&j->outcome->log, tm_text_get(&child->log));
        if (child->dropped_bytes)
            tm_text_format(&j->outcome->log, "\n[tracemill: %llu more bytes were dropped]\n",
                           (unsigned long long)child->dropped_bytes);
    }
    tm_child_free(child);
    *child = TM_CHILD_NONE;
    side->is_open = false;
}
