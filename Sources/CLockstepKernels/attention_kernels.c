#include "lockstep_kernels.h"
#include "lanes.h"

#define DOUBLE(x) __builtin_convertvector((x), d16v)
#define UNROLL _Pragma("clang loop unroll(full)")

// Whether the instruction set multiplies and adds with one rounding.
#define FUSES_avx512 1
#define FUSES_avx2 1
#if defined(__aarch64__)
#define FUSES_baseline 1
#else
#define FUSES_baseline 0
#endif

// A tile of a product, in registers: vectors of 16 lanes, and rows for one of them, or for two, or for four.
#define VECTORS_avx512 4
#define VECTORS_avx2 1
#define VECTORS_baseline 1
#define ROWS_avx512(vectors) ((vectors) == 4 ? 6 : 12)
#define ROWS_avx2(vectors) 6
#define ROWS_baseline(vectors) 4
// The rows of the largest tile, and of the smallest.
#define MOST_ROWS 12
#define FEWEST_ROWS 4
// The keys of a panel.
#define PANEL 64

#define ROUND_UP(n, multiple) (((n) + (multiple) - 1) / (multiple) * (multiple))

// The query rows whose scores are held at a time: about 128 kB of them.
static size_t block_rows(size_t keys) {
  const size_t rows = ((size_t)1 << 15) / ROUND_UP(keys, PANEL) / MOST_ROWS * MOST_ROWS;
  return rows < 2 * MOST_ROWS ? 2 * MOST_ROWS : rows < 16 * MOST_ROWS ? rows : 16 * MOST_ROWS;
}

// Working memory of one head. Rows are padded to whole vectors and their number to whole tiles, with zeros.
typedef struct {
  size_t row;                        // from one row of q, k, v to the next
  size_t score;                      // from one row of scores to the next
  size_t block;                      // rows of scores
  float *queries, *more_queries;     // rows
  float *keys, *values;              // rows
  float *key_panels, *value_panels;  // [keys / PANEL][width][PANEL]
  float *key_sums, *value_sums;      // rows
  float *scores, *slopes;            // [block][score]
  float *result;                     // [block][row]
  float *factors;                    // of dropout, for one row of scores
} head_memory;

// Lays out the memory from `scratch` on, and returns how many floats it takes.
static size_t lay_out(head_memory *memory, const lockstep_attention *shape, float *scratch) {
  memory->row = ROUND_UP(shape->width, LANES);
  memory->score = ROUND_UP(shape->keys, PANEL);
  memory->block = block_rows(shape->keys);
  float *next = scratch;
  size_t count = 0;
#define TAKE(field, size) \
  (memory->field = scratch ? next + count : NULL, count += ROUND_UP((size), LANES))
  const size_t queries = ROUND_UP(shape->queries, MOST_ROWS) * memory->row;
  const size_t keys = ROUND_UP(shape->keys, MOST_ROWS) * memory->row;
  TAKE(queries, queries);
  TAKE(more_queries, queries);
  TAKE(keys, keys);
  TAKE(values, keys);
  TAKE(key_panels, memory->score * shape->width);
  TAKE(value_panels, memory->score * shape->width);
  TAKE(key_sums, keys);
  TAKE(value_sums, keys);
  TAKE(scores, memory->block * memory->score);
  TAKE(slopes, memory->block * memory->score);
  TAKE(result, memory->block * memory->row);
  TAKE(factors, memory->score + 2 * PANEL);
#undef TAKE
  return count;
}

size_t lockstep_attention_scratch(const lockstep_attention *shape) {
  head_memory memory;
  return lay_out(&memory, shape, NULL);
}

#define KERNELS "attention_kernels.inc"
#include "instantiate.h"

const lockstep_attention_kernels *lockstep_attention_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, attention_table);
}
