#include "lockstep_kernels.h"
#include "dense_sizes.h"
#include "lanes.h"

// Rows of a tile of a product, in registers, beside one vector of 16 lanes, and how many are left over at the most
// before a lower tile takes them.
#define ROWS_avx512 6
#define ROWS_avx2 6
#define ROWS_baseline 4
#define TALL_avx512 12
#define TALL_avx2 6
#define TALL_baseline 4
#define VECTORS_avx512 1
#define VECTORS_avx2 1
#define VECTORS_baseline 1
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma((a), (b), (c))

// The places of a turned tile.
#define PLACES 16

static inline size_t whole(size_t count) { return (count + LANES - 1) / LANES * LANES; }

// How many tiles are turned and multiplied at a time: what both sides of the products take stays in the second
// cache. Whole tiles of rows.
static size_t group_of(const lockstep_winograd *s) {
  const size_t tiles = ((size_t)1 << 16) / (PLACES * (s->channels + whole(s->outputs))) / 12 * 12;
  return tiles < 12 ? 12 : tiles > 96 ? 96 : tiles;
}
// What lies between a place's values and the next place's. Powers of two apart, they would push each other out of
// the first cache.
static size_t inputs_apart(const lockstep_winograd *s) { return group_of(s) * s->channels + LANES; }
static size_t outputs_apart(const lockstep_winograd *s) { return group_of(s) * whole(s->outputs) + LANES; }

size_t lockstep_winograd_weights(const lockstep_winograd *s) {
  return PLACES * s->channels * whole(s->outputs);
}

size_t lockstep_winograd_scratch(const lockstep_winograd *s) {
  return PLACES * (inputs_apart(s) + outputs_apart(s)) + lockstep_winograd_weights(s) + whole(s->outputs);
}

// A tile of the result.
typedef struct {
  size_t image, row, column;
} place;

static inline size_t tiles_down(const lockstep_winograd *s) { return (s->rows + 1) / 2; }
static inline size_t tiles_across(const lockstep_winograd *s) { return (s->columns + 1) / 2; }

static place place_of(size_t tile, const lockstep_winograd *s) {
  const size_t across = tiles_across(s), down = tiles_down(s);
  return (place){tile / across / down, tile / across % down * 2, tile % across * 2};
}

static void move_on(place *at, const lockstep_winograd *s) {
  at->column += 2;
  if (at->column < s->columns) return;
  at->column = 0;
  at->row += 2;
  if (at->row < s->rows) return;
  at->row = 0;
  at->image++;
}

#define KERNELS "winograd_kernels.inc"
#include "instantiate.h"

const lockstep_winograd_kernels *lockstep_winograd_kernels_for(lockstep_isa isa) {
#if defined(__x86_64__)
  return isa == LOCKSTEP_ISA_BASELINE ? NULL : SELECT_TABLE(isa, winograd_table);
#elif defined(__aarch64__)
  return SELECT_TABLE(isa, winograd_table);
#else
  (void)isa;
  return NULL;
#endif
}
