#include "gen/rows.h"

#include <stdint.h>
#include <string.h>

#include "lib/text.h"

#define SMOKE_ROWS 2
#define SMOKE_LARGE_BYTES ((size_t)16 << 20)
#define SMOKE_MOST_BYTES ((size_t)64 << 20)

bool tm_rows_selected(const char *selection, const char *uuid) {
    return strcmp(selection, "all") == 0 || strcmp(selection, "smoke") == 0 ||
           tm_text_matches(selection, uuid);
}

/* Of equal ones the first. */
size_t tm_rows_keep_smoke(tm_arena *arena, tm_row *rows, size_t count) {
    bool *kept = tm_arena_array(arena, count, sizeof *kept);
    size_t *sizes = tm_arena_array(arena, count, sizeof *sizes);
    for (size_t i = 0; i < count; i++)
        if (!tm_workload_bytes(rows[i].workload, &sizes[i]))
            sizes[i] = SIZE_MAX;
    for (int pick = 0; pick < SMOKE_ROWS; pick++) {
        size_t smallest = count;
        for (size_t i = 0; i < count; i++)
            if (!kept[i] && (smallest == count || sizes[i] < sizes[smallest]))
                smallest = i;
        if (smallest < count && sizes[smallest] <= (pick ? SMOKE_LARGE_BYTES : SMOKE_MOST_BYTES))
            kept[smallest] = true;
    }
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (kept[i])
            rows[left++] = rows[i];
    return left;
}
