/* symbols: what a shared object wants from others and offers to them, read before it is loaded.
 *
 * Knows ELF and one list of names. It is a sieve for what is plain to see, not a container: what a
 * solution looks up by name when it runs (dlsym), writes in assembly (syscall) or links statically
 * is not seen. Deliberately does not know cells, workers or verdicts. */
#ifndef TM_SYMBOLS_H
#define TM_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the shared object at `path` must not be loaded; then `why` says it in one line, such as
 * "imports ptrace: it watches or changes other processes". The file may be hostile: whatever cannot
 * be followed from start to end is refused as well. */
bool tm_symbols_refused(const char *path, char *why, size_t size);

#endif
