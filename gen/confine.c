#include "gen/confine.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/landlock.h>) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>

/* Rights that headers older than the kernel do not know. */
#define FS_REFER (1ULL << 13)    /* since version 2 */
#define FS_TRUNCATE (1ULL << 14) /* since version 3 */

void tm_confine_self(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return;
    uint64_t rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    rights |= version >= 2 ? FS_REFER : 0;
    rights |= version >= 3 ? FS_TRUNCATE : 0;
    /* Named, and granted nowhere: no rule follows. */
    const struct landlock_ruleset_attr rules = {.handled_access_fs = rights};
    long file = syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (file < 0)
        return;
    syscall(SYS_landlock_restrict_self, file, 0);
    close((int)file);
}
#else
void tm_confine_self(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
#endif
