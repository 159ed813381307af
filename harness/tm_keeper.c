/* tm-keeper: keeps the workers of one device, or answers, between cells (keeper.h). Started by
 * judges only:
 *
 *   tm-keeper SOCKET BACKEND UUID     with SOCKET listening on TM_KEEPER_LISTEN
 *
 * Exit status: 0, 2 bad usage. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/gauge.h"
#include "harness/keeper.h"
#include "harness/keeper_answers.h"
#include "harness/message.h"
#include "lib/processes.h"

#define SIDES 2
#define TICK_MS 500
#define MAX_ENDING 16
/* How long a spare worker may take to open the device. */
#define SPARE_NS INT64_C(5000000000)
/* How long it may take to stop. */
#define STOPPING_NS INT64_C(1000000000)
/* Its delivery is as large as those before had to become, but no larger than this. */
#define SPARE_DELIVERY_BYTES ((size_t)256 << 20)

static const tm_identity NO_LIBRARY = {0};

typedef struct object {
    struct object *next;
    tm_identity identity;
    char path[];
} object;

/* One side's worker. */
typedef struct {
    tm_child child; /* pid 0: none */
    bool is_lent;
    tm_identity program;
    tm_identity library; /* that stays mapped in it; zeros: none */
    object *objects;     /* that it has been asked to load */
} seat;

/* A worker that has opened the device and loaded nothing, for the next solution. */
typedef struct {
    tm_child child;           /* pid 0: none */
    bool is_wanted;           /* `recipe` is there, and has not failed */
    bool is_ready;            /* it has opened the device, and is stopped */
    tm_keeper_request recipe; /* of the last solution's worker that was lent */
    size_t delivery_bytes;    /* what solutions have needed, up to a bound */
} spare;

typedef struct {
    const char *path;
    tm_identity self, socket;
    seat seats[SIDES];
    spare spare;
    pid_t ending[MAX_ENDING]; /* workers that have been killed and not yet waited for */
    size_t ending_count;
    tm_keeper_answers answers;
    tm_gauge *gauge;
    const char *backend, *uuid;
    bool quit;
} keeper;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- workers ---- */

/* Waits for those that have ended by now, or for all. */
static void bury(keeper *k, bool all) {
    size_t left = 0;
    for (size_t i = 0; i < k->ending_count; i++)
        if (waitpid(k->ending[i], NULL, all ? 0 : WNOHANG) == 0)
            k->ending[left++] = k->ending[i];
    k->ending_count = left;
}

/* What workers have left behind, and what ended of itself. */
static void end_orphans(keeper *k) {
    pid_t keep[SIDES + 1 + MAX_ENDING];
    size_t count = 0;
    bury(k, false);
    if (k->spare.child.pid > 0)
        keep[count++] = k->spare.child.pid;
    for (int side = 0; side < SIDES; side++)
        if (k->seats[side].child.pid > 0)
            keep[count++] = k->seats[side].child.pid;
    for (size_t i = 0; i < k->ending_count; i++)
        keep[count++] = k->ending[i];
    tm_processes_end_orphans(keep, count);
}

/* The worker is ended; if it does not matter how it ends, it is not waited for: a device takes some
 * 0.1 s to clear up behind it. */
static void end(keeper *k, tm_child *child) {
    if (child->pid > 0 && k->ending_count < MAX_ENDING) {
        kill(-child->pid, SIGKILL);
        k->ending[k->ending_count++] = child->pid;
        child->pid = 0;
    }
    tm_child_free(child);
    *child = TM_CHILD_NONE;
}

static void empty_seat(keeper *k, seat *s) {
    end(k, &s->child);
    s->is_lent = false;
    s->library = NO_LIBRARY;
    while (s->objects) {
        object *next = s->objects->next;
        free(s->objects);
        s->objects = next;
    }
}

static bool is_alive(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* Not while it has mapped another library than what it would load now. */
static bool has_other_library(const seat *s, const tm_identity *wanted) {
    return memcmp(&s->library, &NO_LIBRARY, sizeof s->library) != 0 &&
           memcmp(wanted, &NO_LIBRARY, sizeof *wanted) != 0 &&
           memcmp(&s->library, wanted, sizeof *wanted) != 0;
}

/* A solution's worker has one object; a reference's has several, none of them since edited. */
static bool suits(const seat *s, const tm_keeper_request *request) {
    if (s->child.pid <= 0 || memcmp(&s->program, &request->program, sizeof s->program) != 0 ||
        has_other_library(s, &request->library))
        return false;
    for (const object *o = s->objects; o; o = o->next) {
        bool same_path = strcmp(o->path, request->name) == 0;
        bool same = memcmp(&o->identity, &request->object, sizeof o->identity) == 0;
        if (same_path ? !same : request->side == TM_SIDE_SOLUTION)
            return false;
    }
    return is_alive(s->child.pid);
}

/* ---- the spare worker ---- */

static void drop_spare(keeper *k) {
    end(k, &k->spare.child);
}

/* Starts a spare worker; it goes on by itself. */
static void begin_spare(keeper *k) {
    spare *s = &k->spare;
    const tm_request warm = {.kind = TM_REQUEST_WARM};
    tm_memory *delivery = &s->child.delivery;
    tm_identity program;
    s->is_wanted = s->is_ready = false; /* tried once for each one that is taken */
    if (!tm_identity_of(s->recipe.worker, &program) ||
        memcmp(&program, &s->recipe.program, sizeof program) != 0)
        return;
    if (!tm_child_start(&s->child, s->recipe.worker, s->recipe.memory_bytes)) {
        s->child = TM_CHILD_NONE;
        return;
    }
    ((tm_desk *)s->child.desk.map)->job.device = s->recipe.device_index;
    if (!tm_memory_make(delivery, "tracemill-delivery", s->delivery_bytes)) {
        drop_spare(k);
        return;
    }
    memset(delivery->map, 0, delivery->bytes); /* its pages come to be now, and not in a cell */
    if (!tm_message_send(s->child.socket, &warm, sizeof warm, &delivery->memfd, 1))
        drop_spare(k);
}

/* Stops the spare worker, and waits for that: within a call of the system it goes on for a while.
 */
static void stop_spare(keeper *k) {
    int64_t deadline = now_ns() + STOPPING_NS;
    pid_t pid = k->spare.child.pid;
    siginfo_t info = {0};
    kill(-pid, SIGSTOP);
    while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != pid && now_ns() < deadline)
        poll(NULL, 0, 1);
    if (info.si_pid != pid || info.si_code != CLD_STOPPED)
        drop_spare(k);
}

/* Lets a spare worker that has been begun go on until it has opened the device. */
static void finish_spare(keeper *k) {
    spare *s = &k->spare;
    int64_t deadline = now_ns() + SPARE_NS;
    if (s->child.pid <= 0 || s->is_ready)
        return;
    const tm_desk *desk = s->child.desk.map;
    kill(-s->child.pid, SIGCONT);
    while (!(s->is_ready = __atomic_load_n(&desk->is_warm, __ATOMIC_ACQUIRE)) &&
           is_alive(s->child.pid) && now_ns() < deadline)
        poll(NULL, 0, 1);
    if (s->is_ready)
        stop_spare(k);
    else
        drop_spare(k);
}

/* While nobody uses the device: a judge that comes waits for the lock. */
static void start_spare(keeper *k) {
    int lock = open(k->spare.recipe.lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) == 0) {
        if (k->spare.child.pid <= 0)
            begin_spare(k);
        finish_spare(k);
    }
    if (lock >= 0)
        close(lock);
}

/* A judge says that for now nothing is timed, or that it will be: a spare worker is begun and goes
 * on meanwhile. It takes several such times when they are short. */
static void use_time(keeper *k, int client, bool is_free) {
    const tm_keeper_reply reply = {.good = 1};
    spare *s = &k->spare;
    bool is_begun = s->child.pid > 0 && !s->is_ready;
    if (!is_free && is_begun)
        stop_spare(k);
    tm_message_send(client, &reply, sizeof reply, NULL, 0);
    if (is_free && is_begun)
        kill(-s->child.pid, SIGCONT);
    else if (is_free && s->child.pid <= 0 && s->is_wanted)
        begin_spare(k);
}

/* Gives the spare to a seat that is empty. False when there is none that suits. */
static bool take_spare(keeper *k, seat *to, const tm_keeper_request *request) {
    spare *s = &k->spare;
    bool suits = s->child.pid > 0 &&
                 memcmp(&s->recipe.program, &request->program, sizeof request->program) == 0 &&
                 s->recipe.device_index == request->device_index &&
                 s->recipe.memory_bytes == request->memory_bytes;
    if (suits)
        finish_spare(k);
    if (!suits || s->child.pid <= 0 || !is_alive(s->child.pid)) {
        drop_spare(k);
        return false;
    }
    to->child = s->child;
    s->child = TM_CHILD_NONE;
    return true;
}

static void note_object(seat *s, const tm_keeper_request *request) {
    if (memcmp(&request->library, &NO_LIBRARY, sizeof NO_LIBRARY) != 0)
        s->library = request->library;
    for (const object *o = s->objects; o; o = o->next)
        if (strcmp(o->path, request->name) == 0)
            return;
    size_t length = strlen(request->name) + 1;
    object *o = malloc(sizeof *o + length);
    if (!o)
        abort();
    *o = (object){s->objects, request->object};
    memcpy(o->path, request->name, length);
    s->objects = o;
}

static void lend(keeper *k, int client, const tm_keeper_request *request) {
    seat *s = &k->seats[request->side];
    tm_keeper_reply reply = {0};
    bool is_solution = request->side == TM_SIDE_SOLUTION;
    if (!suits(s, request)) {
        empty_seat(k, s);
        end_orphans(k);
        if (!(is_solution && take_spare(k, s, request)) &&
            !tm_child_start(&s->child, request->worker, request->memory_bytes)) {
            reply.code = errno;
            s->child = TM_CHILD_NONE;
            tm_message_send(client, &reply, sizeof reply, NULL, 0);
            return;
        }
        s->program = request->program;
    }
    if (is_solution) {
        k->spare.recipe = *request;
        k->spare.is_wanted = true;
    }
    note_object(s, request);
    s->is_lent = true;
    kill(-s->child.pid, SIGCONT);
    reply.good = 1;
    reply.pid = s->child.pid;
    int fds[] = {s->child.socket, s->child.output, s->child.desk.memfd, s->child.delivery.memfd};
    tm_message_send(client, &reply, sizeof reply, fds, fds[3] >= 0 ? 4 : 3);
}

static void reap(keeper *k, int client, const tm_keeper_request *request) {
    seat *s = &k->seats[request->side];
    tm_child_outcome how = TM_CHILD_ASTRAY;
    int code = 0;
    bool ended = s->child.pid > 0 &&
                 tm_child_wait(&s->child, request->force ? 0 : TM_CHILD_ENDING_NS, &how, &code);
    if (!ended && s->child.pid > 0) {
        kill(-s->child.pid, SIGKILL);
        tm_child_wait(&s->child, TM_CHILD_ENDING_NS, &how, &code);
        how = request->force ? how : TM_CHILD_ASTRAY;
    }
    empty_seat(k, s);
    end_orphans(k);
    tm_keeper_reply reply = {.good = 1, .how = how, .code = code};
    tm_message_send(client, &reply, sizeof reply, NULL, 0);
}

static void take_back(keeper *k, const tm_keeper_request *request, int delivery) {
    seat *s = &k->seats[request->side];
    if (delivery >= 0) {
        tm_memory_close(&s->child.delivery);
        if (!tm_memory_take(&s->child.delivery, delivery))
            s->child.delivery = TM_MEMORY_NONE;
        size_t bytes = s->child.delivery.bytes;
        bytes = bytes < SPARE_DELIVERY_BYTES ? bytes : SPARE_DELIVERY_BYTES;
        if (request->side == TM_SIDE_SOLUTION && bytes > k->spare.delivery_bytes)
            k->spare.delivery_bytes = bytes;
    }
    s->is_lent = false;
    if (s->child.pid > 0)
        kill(-s->child.pid, SIGSTOP);
    if (request->force || (s->child.pid > 0 && tm_processes_has_children(s->child.pid)))
        empty_seat(k, s);
    end_orphans(k);
}

/* ---- judges ---- */

static void measure(keeper *k, int client) {
    tm_keeper_reply reply = {.good = 1};
    if (!k->gauge)
        k->gauge = tm_gauge_open(k->backend, k->uuid);
    tm_gauge_read(k->gauge, &reply.gauge);
    tm_message_send(client, &reply, sizeof reply, NULL, 0);
}

/* Descriptors that came, and were not taken over. */
static void close_fds(const int *fds) {
    for (int i = 0; i < TM_MESSAGE_MAX_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void serve(keeper *k, int client) {
    tm_keeper_request request;
    int fds[TM_MESSAGE_MAX_FDS];
    while (!k->quit && tm_message_receive(client, &request, sizeof request, fds, 0) ==
                           (ssize_t)sizeof request) {
        request.side = request.side == TM_SIDE_SOLUTION;
        if (request.kind == TM_KEEPER_HELLO) {
            tm_keeper_reply reply = {.good = 1, .identity = k->self};
            tm_message_send(client, &reply, sizeof reply, NULL, 0);
        } else if (request.kind == TM_KEEPER_BORROW)
            lend(k, client, &request);
        else if (request.kind == TM_KEEPER_REAP)
            reap(k, client, &request);
        else if (request.kind == TM_KEEPER_RETURN) {
            take_back(k, &request, fds[0]);
            fds[0] = -1;
        } else if (request.kind == TM_KEEPER_RECALL)
            tm_keeper_answers_recall(&k->answers, client, &request);
        else if (request.kind == TM_KEEPER_STORE) {
            tm_keeper_answers_store(&k->answers, &request, fds[0]);
            fds[0] = -1;
        } else if (request.kind == TM_KEEPER_GAUGE)
            measure(k, client);
        else if (request.kind == TM_KEEPER_USE)
            use_time(k, client, request.force);
        else
            k->quit = true;
        close_fds(fds);
    }
    /* Lent still: the judge has ended without giving it back. */
    for (int side = 0; side < SIDES; side++)
        if (k->quit || k->seats[side].is_lent)
            empty_seat(k, &k->seats[side]);
    if (k->spare.child.pid > 0 && !k->spare.is_ready) /* the next judge may be timing */
        stop_spare(k);
    end_orphans(k);
}

/* Whether judges can still find this keeper: the build folder may be gone, or another keeper may
 * have taken the place. */
static bool is_found(const keeper *k) {
    tm_identity there;
    return tm_identity_of(k->path, &there) && memcmp(&there, &k->socket, sizeof there) == 0;
}

/* Not a worker, nor what one has started. */
static bool is_judge(int client) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0 &&
           !tm_processes_descends(peer.pid, getpid());
}

static void run(keeper *k) {
    int64_t idle_since = now_ns();
    while (!k->quit && is_found(k) &&
           now_ns() - idle_since < TM_KEEPER_IDLE_S * INT64_C(1000000000)) {
        struct pollfd listener = {TM_KEEPER_LISTEN, POLLIN, 0};
        if (poll(&listener, 1, TICK_MS) <= 0) {
            if (k->spare.child.pid > 0 ? !k->spare.is_ready : k->spare.is_wanted)
                start_spare(k);
            continue;
        }
        int client = accept4(TM_KEEPER_LISTEN, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        if (is_judge(client))
            serve(k, client);
        close(client);
        idle_since = now_ns();
    }
    if (!k->quit && is_found(k)) /* who had it quit is about to replace the socket */
        unlink(k->path);
    close(TM_KEEPER_LISTEN);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: tm-keeper SOCKET BACKEND UUID (started by judges only)\n");
        return 2;
    }
    keeper k = {.path = argv[1],
                .backend = argv[2],
                .uuid = argv[3],
                .seats = {{.child = TM_CHILD_NONE}, {.child = TM_CHILD_NONE}},
                .spare = {.child = TM_CHILD_NONE, .delivery_bytes = TM_JOB_DELIVERY_BYTES}};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_DUMPABLE, 0); /* its descriptors lead to answers */
    signal(SIGPIPE, SIG_IGN);
    if (!tm_identity_of("/proc/self/exe", &k.self) || !tm_identity_of(k.path, &k.socket))
        return 2;
    tm_keeper_answers_open(&k.answers);
    run(&k);
    for (int side = 0; side < SIDES; side++)
        empty_seat(&k, &k.seats[side]);
    drop_spare(&k);
    bury(&k, true);
    end_orphans(&k);
    tm_keeper_answers_close(&k.answers);
    tm_gauge_close(k.gauge);
    return 0;
}
