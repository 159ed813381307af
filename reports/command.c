#include "reports/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/text.h"

static const tm_command *find(const tm_command *commands, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool print_table(tm_diag *diag, const tm_command *commands, size_t count) {
    tm_text text = {0};
    int widest = 0;
    for (size_t i = 0; i < count; i++) {
        int width = (int)strlen(commands[i].name);
        widest = width > widest ? width : widest;
    }
    tm_text_add(&text, "usage: tm-report COMMAND [OPTION...]\n");
    for (size_t i = 0; i < count; i++)
        tm_text_format(&text, "  %-*s  %s\n", widest, commands[i].name, commands[i].help);
    tm_text_format(&text,
                   "tm-report help COMMAND tells what a command takes; options alone are those of "
                   "%s.\n",
                   commands[0].name);
    bool good = tm_command_print(diag, "the commands", tm_text_get(&text));
    tm_text_free(&text);
    return good;
}

static void complain(tm_arena *arena, tm_diag *diag, const tm_command *commands, size_t count,
                     const char *name) {
    const char **known = tm_arena_array(arena, count + 1, sizeof(*known));
    for (size_t i = 0; i < count; i++)
        known[i] = commands[i].name;
    known[count] = "help";
    const char *nearest = tm_text_nearest(name, known, count + 1);
    if (nearest != NULL)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "unknown command \"%s\" of tm-report; did you mean %s?", name, nearest);
    else
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "unknown command \"%s\" of tm-report; see tm-report --help", name);
}

static int run_named(tm_arena *arena, tm_diag *diag, const tm_command *commands,
                     size_t command_count, const char *name, int count, char **arguments) {
    const tm_command *command = find(commands, command_count, name);
    if (command != NULL)
        return command->run(arena, diag, count, arguments);
    complain(arena, diag, commands, command_count, name);
    return TM_COMMAND_USAGE;
}

int tm_command_run(tm_arena *arena, tm_diag *diag, const tm_command *commands, size_t command_count,
                   int count, char **arguments) {
    if (count < 2) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected a command, got nothing; see tm-report --help");
        return TM_COMMAND_USAGE;
    }
    const char *first = arguments[1];
    bool is_help = strcmp(first, "help") == 0;
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || (is_help && count == 2))
        return print_table(diag, commands, command_count) ? TM_COMMAND_GOOD
                                                          : TM_COMMAND_ENVIRONMENT;
    if (is_help)
        return run_named(arena, diag, commands, command_count, arguments[2], 1,
                         (char *[]){"--help"});
    if (first[0] == '-')
        return commands[0].run(arena, diag, count - 1, arguments + 1);
    return run_named(arena, diag, commands, command_count, first, count - 2, arguments + 2);
}

int tm_command_status(tm_load_result loaded) {
    if (loaded == TM_LOAD_OK)
        return TM_COMMAND_GOOD;
    return loaded == TM_LOAD_UNREADABLE ? TM_COMMAND_ENVIRONMENT : TM_COMMAND_USAGE;
}

bool tm_command_write(tm_arena *arena, tm_diag *diag, const char *folder, const char *name,
                      const char *text) {
    const char *path = tm_file_join(arena, folder, name);
    if (tm_file_write(path, text, strlen(text), NULL))
        return true;
    tm_diag_error(diag, tm_diag_command_line, NULL, "cannot write %s: %s", path, strerror(errno));
    return false;
}

bool tm_command_print(tm_diag *diag, const char *what, const char *text) {
    if (fputs(text, stdout) != EOF && fflush(stdout) != EOF)
        return true;
    tm_diag_error(diag, tm_diag_command_line, NULL, "cannot print %s: %s", what, strerror(errno));
    return false;
}
