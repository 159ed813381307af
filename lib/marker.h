/* marker: what stands in a solution's .so when it did not compile; the compiler's words follow. */
#ifndef TM_MARKER_H
#define TM_MARKER_H

#define TM_COMPILE_ERROR "tracemill: compile error\n"

#endif
