/* confine: takes from the process that loads strangers' code what it could change on the machine.
 *
 * Needs no privileges and no package; where the kernel is without Landlock nothing is taken, and
 * what remains is what the process was started with. Reading stays as it was. */
#ifndef TM_CONFINE_H
#define TM_CONFINE_H

/* From here on this process, and all that it starts, cannot open a file to write, nor make, remove
 * or rename one, anywhere, nor gain privileges. */
void tm_confine_self(void);

#endif
