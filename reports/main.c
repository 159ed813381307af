/* tm-report: what the traces of a benchmark amount to. */
#include <stdio.h>

#include "reports/command.h"
#include "reports/diff_command.h"
#include "reports/gate_command.h"
#include "reports/history_command.h"
#include "reports/merge_command.h"
#include "reports/show_command.h"
#include "reports/view_command.h"
#include "reports/write_command.h"

static const tm_command commands[] = {
    {"write", "all files of the report of a planned matrix: what ninja report runs",
     tm_write_command_run},
    {"gate", "what became slower, faster or broken since an earlier run", tm_gate_command_run},
    {"summary", "what ran, what passed and how fast, of any folder with traces",
     tm_view_command_summary},
    {"best", "the best solution of each definition", tm_view_command_best},
    {"rank", "authors and solutions against each other", tm_view_command_rank},
    {"diff", "what differs between two runs; nothing fails", tm_diff_command_run},
    {"merge", "the traces of several folders as one, in the FlashInfer-Trace layout",
     tm_merge_command_run},
    {"show", "all that is known of one cell", tm_show_command_run},
    {"history", "what changed over many runs, since when, and by how much", tm_history_command_run},
};

int main(int count, char **arguments) {
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    int status = tm_command_run(arena, diag, commands, sizeof(commands) / sizeof(*commands), count,
                                arguments);
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    tm_arena_destroy(arena);
    return status;
}
