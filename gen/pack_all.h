/* pack_all: every solution of kernels/ as a dataset that flashinfer-bench loads: definitions,
 * workloads and packed solutions.
 *
 * Deliberately does not know blobs: rows name theirs, and those who run the dataset have them. */
#ifndef TM_PACK_ALL_H
#define TM_PACK_ALL_H

#include "gen/options.h"
#include "gen/scan.h"

/* Makes `folder` hold definitions/, workloads/ and solutions/ with what the scan has and nothing
 * else, index.txt, which lists the solutions, and index.txt.d, the depfile for it. A family becomes
 * one solution for each definition. References are judges and not packed. What cannot be packed is
 * reported in `diag` and left out. What else is in these three is removed, so they must be of an
 * earlier run (".tm-pack" says so) or not be there. 0; after appending an error 2, or 3 when
 * something could not be written. */
int tm_pack_all(const tm_options *options, const tm_scan *scan, const char *folder, tm_arena *arena,
                tm_diag *diag);

#endif
