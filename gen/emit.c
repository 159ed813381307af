#include "gen/emit.h"

#include <errno.h>
#include <string.h>

#include "lib/file.h"

bool tm_emit_file(const char *path, const char *bytes, size_t length, tm_diag *diag) {
    if (tm_file_write(path, bytes, length, NULL))
        return true;
    tm_diag_error(diag, tm_diag_command_line, NULL,
                  "%s: cannot be written: %s; see to the build folder's permissions and free space",
                  path, strerror(errno));
    return false;
}
