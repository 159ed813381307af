/* moe: mixture of experts. Tokens go to the experts that a family has chosen for them: rows are
 * sorted by expert, multiplied by its first weights, gated (silu(gate) * up, the gate in the second
 * half), multiplied by its second weights, and summed per token by routing weight. All in float32,
 * every sum in one order, so that equal inputs give equal bits.
 *
 * A slot is one of the top_k choices of a token, a row a slot in the order of the experts.
 * Included behind contract.h by families whose tensors are called hidden_states, gemm1_weights,
 * gemm2_weights and output. Deliberately does not know how experts are chosen. */
#ifndef TM_REFERENCE_MOE_H
#define TM_REFERENCE_MOE_H

#include <stdbool.h>

#include "../reference.h"

enum {
    TILE_ROWS = TM_ON_GPU ? 8 : 4,
    TILE_COLUMNS = TM_ON_GPU ? 4 : 2, /* as many sums as there are registers */
    PANEL_TILES = TM_ON_GPU ? 8 : 4,
    PANEL_ROWS = PANEL_TILES * TILE_ROWS, /* of one expert */
    PATCH_TILES = TM_ON_GPU ? 32 : 16,    /* neighbouring columns of a panel */
    BLOCK = 512,                          /* elements of a sum where no scale ends it */
    SLICE = 512,                          /* slots that are counted by one item */
    STRIP = 256,                          /* columns of a token that are one item */
};

typedef tm_gemm1_weights_t moe_weights; /* both weights are of one dtype */

/* Of what is NULL there is nothing to multiply by. Blocks are elements per scale. */
typedef struct {
    const tm_hidden_states_t *hidden_states; /* [seq_len, hidden] */
    const float *hidden_states_scale;        /* [hidden / hidden_block, seq_len] */
    const moe_weights *gemm1_weights;        /* [experts, 2 inner, hidden] */
    const float *gemm1_scale;                /* [experts, 2 inner / gate_block, hidden / ...] */
    const float *up_scale, *gate_scale;      /* [experts] */
    const moe_weights *gemm2_weights;        /* [experts, hidden, inner] */
    const float *gemm2_scale;                /* [experts, hidden / ..., inner / inner_block] */
    const float *down_scale;                 /* [experts] */
    tm_output_t *output;                     /* [seq_len, hidden] */
    int64_t seq_len, experts, hidden, inner, top_k;
    int64_t hidden_block, inner_block, gate_block;
    int64_t choices;  /* floats per token that the family needs to choose by */
    bool weigh_input; /* the routing weight is on the expert's input, not on its output */

    /* Tokens of this pass over the experts, and what its phases hand on. */
    int64_t first_token, tokens, slots, slices;
    float *choice;         /* [tokens, choices] */
    int32_t *expert;       /* [slots]: among those here, or -1 */
    float *weight;         /* [slots] */
    int32_t *row_of;       /* [slots] */
    int32_t *slot_of;      /* [slots]: of a row */
    int32_t *before;       /* [slices, experts]: rows of the expert in earlier slices */
    int32_t *first_row;    /* [experts + 1] */
    int32_t *first_panel;  /* [experts + 1] */
    int32_t *panel_expert; /* [panels] */
    float *widened;        /* [tokens, hidden] */
    float *gated;          /* [slots, inner], by row */
    float *result;         /* [slots, hidden], by row */
} moe_job;

/* Chooses: fills `expert` and `weight` of the pass. */
typedef int moe_router(const moe_job *job, const void *family, tm_stream stream);

#if TM_ON_GPU
#define MOE_ANYWHERE static __host__ __device__ __forceinline__
#else
#define MOE_ANYWHERE static inline
#endif

MOE_ANYWHERE int64_t moe_least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t moe_parts(int64_t elems, int64_t per_part) {
    return (elems + per_part - 1) / per_part;
}

/* ---- rows in the order of the experts ---- */

TM_ITEM void moe_count(const moe_job *job, int64_t item, int lane) {
    (void)lane;
    const int64_t slice = item / job->experts, expert = item % job->experts;
    const int64_t end = moe_least((slice + 1) * SLICE, job->slots);
    int32_t count = 0;
    for (int64_t slot = slice * SLICE; slot < end; ++slot)
        count += job->expert[slot] == expert;
    job->before[item] = count;
}

/* Counts become sums of what is before; first_row holds the expert's own count for now. */
TM_ITEM void moe_add_up(const moe_job *job, int64_t expert, int lane) {
    (void)lane;
    int32_t sum = 0;
    for (int64_t slice = 0; slice < job->slices; ++slice) {
        const int32_t count = job->before[slice * job->experts + expert];
        job->before[slice * job->experts + expert] = sum;
        sum += count;
    }
    job->first_row[expert] = sum;
}

TM_ITEM void moe_begin(const moe_job *job, int64_t item, int lane) {
    (void)item, (void)lane;
    int32_t row = 0, panel = 0;
    for (int64_t expert = 0; expert < job->experts; ++expert) {
        const int32_t count = job->first_row[expert];
        job->first_row[expert] = row;
        job->first_panel[expert] = panel;
        row += count;
        panel += (count + PANEL_ROWS - 1) / PANEL_ROWS;
    }
    job->first_row[job->experts] = row;
    job->first_panel[job->experts] = panel;
}

TM_ITEM void moe_place(const moe_job *job, int64_t item, int lane) {
    (void)lane;
    const int64_t slice = item / job->experts, expert = item % job->experts;
    const int64_t end = moe_least((slice + 1) * SLICE, job->slots);
    int32_t row = job->first_row[expert] + job->before[item];
    for (int64_t slot = slice * SLICE; slot < end; ++slot) {
        if (job->expert[slot] == expert) {
            job->row_of[slot] = row;
            job->slot_of[row++] = (int32_t)slot;
        }
    }
    for (int64_t panel = job->first_panel[expert] + slice; panel < job->first_panel[expert + 1];
         panel += job->slices)
        job->panel_expert[panel] = (int32_t)expert;
}

/* ---- the two products ---- */

TM_ITEM void moe_widen(const moe_job *job, int64_t item, int lane) {
    const int64_t strips = (job->hidden + STRIP - 1) / STRIP;
    const int64_t token = item / strips, begin = item % strips * STRIP;
    const int64_t from = (job->first_token + token) * job->hidden;
    for (int64_t i = begin + lane; i < moe_least(begin + STRIP, job->hidden); i += TM_TEAM) {
        const float *scale = job->hidden_states_scale;
        const int64_t at = i / job->hidden_block * job->seq_len + job->first_token + token;
        const float x = tm_load(job->hidden_states, from + i);
        job->widened[token * job->hidden + i] = scale ? x * scale[at] : x;
    }
}

/* A tile of a product, and where it finds its operands. */
typedef struct {
    int64_t expert, row, end; /* the expert's rows from `row` on; the tile has its first */
    int64_t column;
} moe_tile;

/* Items are tiles in patches in panels. False: the panel, row or column is past the end. */
TM_ITEM bool moe_find(const moe_job *job, int64_t item, int64_t columns, int64_t tile_columns,
                      moe_tile *tile) {
    const int64_t in_patch = item % (PANEL_TILES * PATCH_TILES);
    const int64_t patch = item / (PANEL_TILES * PATCH_TILES);
    const int64_t patches =
        (columns + PATCH_TILES * tile_columns - 1) / (PATCH_TILES * tile_columns);
    const int64_t panel = patch / patches;
    tile->column = (patch % patches * PATCH_TILES + in_patch % PATCH_TILES) * tile_columns;
    if (panel >= job->first_panel[job->experts] || tile->column >= columns)
        return false;
    tile->expert = job->panel_expert[panel];
    tile->row = job->first_row[tile->expert] +
                (panel - job->first_panel[tile->expert]) * PANEL_ROWS +
                in_patch / PATCH_TILES * TILE_ROWS;
    tile->end = job->first_row[tile->expert + 1];
    return tile->row < tile->end;
}

/* sum[i][j] = the product of row i of A and row j of B, of `length` elements each; B's blocks of
 * `block` elements have a scale each where there are scales. */
TM_ITEM void moe_multiply(const float *a, const int64_t *a_row, const moe_weights *b,
                          const int64_t *b_row, const float *scale, const int64_t *scale_row,
                          int64_t length, int64_t block, float sum[TILE_ROWS][TILE_COLUMNS]) {
    for (int64_t begin = 0, at = 0; begin < length; begin += block, ++at) {
        const int64_t end = moe_least(begin + block, length);
        tm_partial part[TILE_ROWS][TILE_COLUMNS];
        memset(part, 0, sizeof part);
        for (int64_t k = begin; k < end; k += TM_WIDE) {
            tm_wide wide_b[TILE_COLUMNS];
            TM_UNROLL
            for (int j = 0; j < TILE_COLUMNS; ++j)
                tm_load_wide(b, b_row[j] + k, end - k, &wide_b[j]);
            TM_UNROLL
            for (int i = 0; i < TILE_ROWS; ++i) {
                tm_wide wide_a;
                tm_load_wide(a, a_row[i] + k, end - k, &wide_a);
                TM_UNROLL
                for (int j = 0; j < TILE_COLUMNS; ++j)
                    tm_multiply_add(&part[i][j], &wide_a, &wide_b[j]);
            }
        }
        TM_UNROLL
        for (int j = 0; j < TILE_COLUMNS; ++j) {
            const float factor = scale ? scale[scale_row[j] + at] : 1.0f;
            TM_UNROLL
            for (int i = 0; i < TILE_ROWS; ++i)
                sum[i][j] += tm_partial_sum(&part[i][j]) * factor;
        }
    }
}

TM_ITEM void moe_gemm1(const moe_job *job, int64_t item, int lane) {
    (void)lane;
    enum { HALF = TILE_COLUMNS / 2 };
    moe_tile tile;
    if (!moe_find(job, item, job->inner, HALF, &tile))
        return;
    /* Rows and columns past the edge repeat the last one and are not stored. */
    int64_t a_row[TILE_ROWS], b_row[TILE_COLUMNS], scale_row[TILE_COLUMNS];
    TM_UNROLL
    for (int i = 0; i < TILE_ROWS; ++i)
        a_row[i] = job->slot_of[moe_least(tile.row + i, tile.end - 1)] / job->top_k * job->hidden;
    TM_UNROLL
    for (int j = 0; j < TILE_COLUMNS; ++j) {
        const int64_t column = moe_least(tile.column + j % HALF, job->inner - 1);
        const int64_t of_both = j / HALF * job->inner + column;
        b_row[j] = (tile.expert * 2 * job->inner + of_both) * job->hidden;
        scale_row[j] =
            (tile.expert * (2 * job->inner / job->gate_block) + of_both / job->gate_block) *
            (job->hidden / job->hidden_block);
    }
    float sum[TILE_ROWS][TILE_COLUMNS] = {{0}};
    moe_multiply(job->widened, a_row, job->gemm1_weights, b_row, job->gemm1_scale, scale_row,
                 job->hidden, job->hidden_block, sum);

    const float up_scale = job->up_scale ? job->up_scale[tile.expert] : 1.0f;
    const float gate_scale = job->gate_scale ? job->gate_scale[tile.expert] : 1.0f;
    TM_UNROLL
    for (int i = 0; i < TILE_ROWS; ++i) {
        if (tile.row + i >= tile.end)
            continue;
        const float weight = job->weigh_input ? job->weight[job->slot_of[tile.row + i]] : 1.0f;
        TM_UNROLL
        for (int j = 0; j < HALF; ++j) {
            const float up = sum[i][j] * weight * up_scale;
            const float gate = sum[i][j + HALF] * weight * gate_scale;
            if (tile.column + j < job->inner)
                job->gated[(tile.row + i) * job->inner + tile.column + j] =
                    gate / (1.0f + expf(-gate)) * up;
        }
    }
}

TM_ITEM void moe_gemm2(const moe_job *job, int64_t item, int lane) {
    (void)lane;
    moe_tile tile;
    if (!moe_find(job, item, job->hidden, TILE_COLUMNS, &tile))
        return;
    int64_t a_row[TILE_ROWS], b_row[TILE_COLUMNS], scale_row[TILE_COLUMNS];
    TM_UNROLL
    for (int i = 0; i < TILE_ROWS; ++i)
        a_row[i] = moe_least(tile.row + i, tile.end - 1) * job->inner;
    TM_UNROLL
    for (int j = 0; j < TILE_COLUMNS; ++j) {
        const int64_t column = moe_least(tile.column + j, job->hidden - 1);
        b_row[j] = (tile.expert * job->hidden + column) * job->inner;
        scale_row[j] =
            (tile.expert * (job->hidden / job->hidden_block) + column / job->hidden_block) *
            (job->inner / job->inner_block);
    }
    float sum[TILE_ROWS][TILE_COLUMNS] = {{0}};
    moe_multiply(job->gated, a_row, job->gemm2_weights, b_row, job->gemm2_scale, scale_row,
                 job->inner, job->inner_block, sum);

    const float down_scale = job->down_scale ? job->down_scale[tile.expert] : 1.0f;
    TM_UNROLL
    for (int i = 0; i < TILE_ROWS; ++i) {
        TM_UNROLL
        for (int j = 0; j < TILE_COLUMNS; ++j) {
            if (tile.row + i < tile.end && tile.column + j < job->hidden)
                job->result[(tile.row + i) * job->hidden + tile.column + j] =
                    sum[i][j] * down_scale;
        }
    }
}

TM_ITEM void moe_combine(const moe_job *job, int64_t item, int lane) {
    const int64_t strips = (job->hidden + STRIP - 1) / STRIP;
    const int64_t token = item / strips, begin = item % strips * STRIP;
    for (int64_t i = begin + lane; i < moe_least(begin + STRIP, job->hidden); i += TM_TEAM) {
        float sum = 0;
        for (int64_t slot = token * job->top_k; slot < (token + 1) * job->top_k; ++slot) {
            if (job->expert[slot] >= 0)
                sum += (job->weigh_input ? 1.0f : job->weight[slot]) *
                       job->result[job->row_of[slot] * job->hidden + i];
        }
        tm_store(job->output, (job->first_token + token) * job->hidden + i, sum);
    }
}

TM_DRIVER(moe_counts, moe_job, moe_count, 1)
TM_DRIVER(moe_sums, moe_job, moe_add_up, 1)
TM_DRIVER(moe_begins, moe_job, moe_begin, 1)
TM_DRIVER(moe_places, moe_job, moe_place, 1)
TM_DRIVER(moe_widens, moe_job, moe_widen, TM_TEAM)
TM_DRIVER(moe_gemm1_tiles, moe_job, moe_gemm1, 1)
TM_DRIVER(moe_gemm2_tiles, moe_job, moe_gemm2, 1)
TM_DRIVER(moe_combines, moe_job, moe_combine, TM_TEAM)

/* ---- the passes ---- */

/* Panels of a pass: of those there may be when the device alone knows how many there are. */
static inline int64_t moe_panels(const moe_job *job) {
    return TM_ON_GPU ? job->slots / PANEL_ROWS + moe_least(job->experts, job->slots)
                     : job->first_panel[job->experts];
}

static inline int64_t moe_tiles(const moe_job *job, int64_t columns, int64_t tile_columns) {
    return moe_panels(job) * moe_parts(columns, PATCH_TILES * tile_columns) * PANEL_TILES *
           PATCH_TILES;
}

/* Gives each piece of scratch memory its place in `base`, or only adds up: returns the bytes. */
static inline size_t moe_lay_out(moe_job *job, char *base) {
    const int64_t slots = job->slots, experts = job->experts;
    const struct {
        void *pointer;
        int64_t elems; /* of four bytes */
    } pieces[] = {
        {&job->choice, job->tokens * job->choices},
        {&job->expert, slots},
        {&job->weight, slots},
        {&job->row_of, slots},
        {&job->slot_of, slots},
        {&job->before, job->slices * experts},
        {&job->first_row, experts + 1},
        {&job->first_panel, experts + 1},
        {&job->panel_expert, slots / PANEL_ROWS + moe_least(experts, slots)},
        {&job->widened, job->tokens * job->hidden},
        {&job->gated, slots * job->inner},
        {&job->result, slots * job->hidden},
    };
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; ++i) {
        char *place = base ? base + bytes : NULL;
        memcpy(pieces[i].pointer, &place, sizeof place);
        bytes += ((size_t)pieces[i].elems * 4 + 255) / 256 * 256;
    }
    return bytes;
}

static inline void moe_set_pass(moe_job *job, int64_t first_token, int64_t tokens) {
    job->first_token = first_token;
    job->tokens = tokens;
    job->slots = tokens * job->top_k;
    job->slices = moe_parts(job->slots, SLICE);
}

static inline int moe_pass(const moe_job *job, moe_router *route, const void *family,
                           tm_stream stream) {
    const int64_t strips = job->tokens * moe_parts(job->hidden, STRIP);
    int status = route(job, family, stream);
    if (status == 0)
        status = moe_counts(job, job->slices * job->experts, stream);
    if (status == 0)
        status = moe_sums(job, job->experts, stream);
    if (status == 0)
        status = moe_begins(job, 1, stream);
    if (status == 0)
        status = moe_places(job, job->slices * job->experts, stream);
    if (status == 0)
        status = moe_widens(job, strips, stream);
    if (status == 0)
        status = moe_gemm1_tiles(job, moe_tiles(job, job->inner, TILE_COLUMNS / 2), stream);
    if (status == 0)
        status = moe_gemm2_tiles(job, moe_tiles(job, job->hidden, TILE_COLUMNS), stream);
    return status == 0 ? moe_combines(job, strips, stream) : status;
}

/* Elements per scale, as the numbers of blocks say; without scales sums end every BLOCK. */
static inline int moe_set_blocks(moe_job *job, int64_t hidden_blocks, int64_t inner_blocks,
                                 int64_t gate_blocks) {
    if (hidden_blocks < 1 || inner_blocks < 1 || gate_blocks < 1 ||
        job->hidden % hidden_blocks != 0 || job->inner % inner_blocks != 0 ||
        2 * job->inner % gate_blocks != 0)
        return tm_fail(1,
                       "moe: expected block counts that divide %lld, %lld and %lld elements, "
                       "got %lld, %lld and %lld",
                       (long long)job->hidden, (long long)job->inner, 2 * (long long)job->inner,
                       (long long)hidden_blocks, (long long)inner_blocks, (long long)gate_blocks);
    job->hidden_block = job->hidden / hidden_blocks;
    job->inner_block = job->inner / inner_blocks;
    job->gate_block = 2 * job->inner / gate_blocks;
    return 0;
}

static inline void moe_set_unscaled(moe_job *job) {
    job->hidden_block = job->inner_block = job->gate_block = BLOCK;
}

/* All tokens, as many at a time as a limited scratch memory holds. The inputs, sizes, blocks and
 * `choices` of the job are set. */
static int moe_run(moe_job *job, int64_t gemm1_out_size, moe_router *route, const void *family,
                   tm_stream stream) {
    const int64_t most_bytes = TM_ON_GPU ? (int64_t)1 << 30 : (int64_t)1 << 27;
    if (gemm1_out_size != 2 * job->inner)
        return tm_fail(1, "moe: expected gemm1_out_size %lld, got %lld",
                       (long long)(2 * job->inner), (long long)gemm1_out_size);
    const int64_t per_token =
        4 * (job->choices + job->hidden + job->top_k * (job->hidden + job->inner + 8));
    int64_t tokens = moe_least(job->seq_len, most_bytes / per_token);
    if (tokens < 1)
        tokens = 1;
    moe_set_pass(job, 0, tokens);
    char *scratch = (char *)tm_scratch(moe_lay_out(job, NULL));
    if (!scratch)
        return tm_fail(1, "moe: no scratch memory for %lld tokens", (long long)tokens);
    (void)moe_lay_out(job, scratch);
    int status = 0;
    for (int64_t first = 0; status == 0 && first < job->seq_len; first += tokens) {
        moe_set_pass(job, first, moe_least(tokens, job->seq_len - first));
        status = moe_pass(job, route, family, stream);
    }
    return status;
}

#endif
