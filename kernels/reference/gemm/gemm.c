/* C[M, N] = A[M, K] * B[N, K]^T, accumulated in float32 by blocks of K. An item is a small tile of
 * C; PATCH x PATCH neighbouring tiles have neighbouring numbers, so that they share their inputs.
 */
#include "contract.h"

#include "../reference.h"

enum {
    TILE_ROWS = 4,
    TILE_COLUMNS = TM_ON_GPU ? 4 : 2, /* as many sums as there are registers */
    PATCH = 16,
    BLOCK = 512, /* of K: rounding errors grow with this and with K / BLOCK, not with K */
};

typedef struct {
    const tm_A_t *A; /* [M, K] */
    const tm_B_t *B; /* [N, K] */
    tm_C_t *C;       /* [M, N] */
    int64_t M, N, K;
    int64_t patch_columns;
} gemm_job;

TM_ITEM int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

TM_ITEM void gemm_tile(const gemm_job *job, int64_t item, int lane) {
    (void)lane;
    const int64_t patch = item / (PATCH * PATCH), in_patch = item % (PATCH * PATCH);
    const int64_t row = (patch / job->patch_columns * PATCH + in_patch / PATCH) * TILE_ROWS;
    const int64_t column = (patch % job->patch_columns * PATCH + in_patch % PATCH) * TILE_COLUMNS;
    if (row >= job->M || column >= job->N)
        return;

    /* Rows and columns past the edge repeat the last one and are not stored. */
    int64_t a_row[TILE_ROWS], b_row[TILE_COLUMNS];
    TM_UNROLL
    for (int i = 0; i < TILE_ROWS; ++i)
        a_row[i] = least(row + i, job->M - 1) * job->K;
    TM_UNROLL
    for (int j = 0; j < TILE_COLUMNS; ++j)
        b_row[j] = least(column + j, job->N - 1) * job->K;

    float sum[TILE_ROWS][TILE_COLUMNS] = {{0}};
    for (int64_t begin = 0; begin < job->K; begin += BLOCK) {
        const int64_t end = least(begin + BLOCK, job->K);
        tm_partial part[TILE_ROWS][TILE_COLUMNS];
        memset(part, 0, sizeof part);
        for (int64_t k = begin; k < end; k += TM_WIDE) {
            tm_wide a[TILE_ROWS], b[TILE_COLUMNS];
            TM_UNROLL
            for (int i = 0; i < TILE_ROWS; ++i)
                tm_load_wide(job->A, a_row[i] + k, job->K - k, &a[i]);
            TM_UNROLL
            for (int j = 0; j < TILE_COLUMNS; ++j)
                tm_load_wide(job->B, b_row[j] + k, job->K - k, &b[j]);
            TM_UNROLL
            for (int i = 0; i < TILE_ROWS; ++i) {
                TM_UNROLL
                for (int j = 0; j < TILE_COLUMNS; ++j)
                    tm_multiply_add(&part[i][j], &a[i], &b[j]);
            }
        }
        TM_UNROLL
        for (int i = 0; i < TILE_ROWS; ++i) {
            TM_UNROLL
            for (int j = 0; j < TILE_COLUMNS; ++j)
                sum[i][j] += tm_partial_sum(&part[i][j]);
        }
    }
    TM_UNROLL
    for (int i = 0; i < TILE_ROWS; ++i) {
        TM_UNROLL
        for (int j = 0; j < TILE_COLUMNS; ++j) {
            if (row + i < job->M && column + j < job->N)
                tm_store(job->C, (row + i) * job->N + column + j, sum[i][j]);
        }
    }
}

TM_DRIVER(gemm_tiles, gemm_job, gemm_tile, 1)

static int64_t round_up_quotient(int64_t elems, int64_t per_part) {
    return (elems + per_part - 1) / per_part;
}

int TM_ENTRY(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes, tm_stream stream) {
    const int64_t patch_rows = round_up_quotient(axes->M, PATCH * TILE_ROWS);
    const int64_t patch_columns = round_up_quotient(axes->N, PATCH * TILE_COLUMNS);
    const gemm_job job = {A, B, C, axes->M, axes->N, axes->K, patch_columns};
    return gemm_tiles(&job, patch_rows * patch_columns * PATCH * PATCH, stream);
}
