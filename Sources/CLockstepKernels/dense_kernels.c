#include "lockstep_kernels.h"
#include "lanes.h"

// A tile of a result, in registers: rows x vectors of 16 lanes. The vectors are as many examples as a
// product takes at once, or 16 columns each of a weight gradient. An input gradient goes through blocks
// of the weights' columns that are a multiple of the rows.
#define ROWS_avx512 8
#define PRODUCT_VECTORS_avx512 2
#define GRADIENT_VECTORS_avx512 3
#define BLOCK_VECTORS_avx512 2
#define ROWS_avx2 6
#define PRODUCT_VECTORS_avx2 1
#define GRADIENT_VECTORS_avx2 1
#define BLOCK_VECTORS_avx2 3
#define ROWS_baseline 4
#define PRODUCT_VECTORS_baseline 1
#define GRADIENT_VECTORS_baseline 1
#define BLOCK_VECTORS_baseline 1

#define LARGEST_ROWS 8
#define LARGEST_VECTORS 3
#define LARGEST_TILE (LARGEST_ROWS * LARGEST_VECTORS * LANES)

// How many examples share what is read of the weights.
#define BAND 128
// Whole panels of so many examples.
#define BAND_HEIGHT(count) (((count) + 2 * LANES - 1) / (2 * LANES) * (2 * LANES))
// Sums that may wait for another of their level: up to 2^LEVELS shards.
#define LEVELS 8
// Rows of a weight gradient that are made panel by panel, at most.
#define STRIP 32

// What happens beside the multiplying: the next lines of the left factor's rows come to the cache, or
// lines of a matrix are copied.
enum beside { NOTHING, PREFETCH_ROWS, COPY_LINES };

#define UNROLL _Pragma("clang loop unroll(full)")

#define KERNELS "dense_kernels.inc"
#include "instantiate.h"

#if defined(__x86_64__)
const lockstep_dense_kernels *lockstep_dense_kernels_for(lockstep_isa isa) {
  return isa == LOCKSTEP_ISA_BASELINE ? NULL : SELECT_TABLE(isa, dense_table);
}
#elif defined(__aarch64__)
const lockstep_dense_kernels *lockstep_dense_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, dense_table);
}
#else
const lockstep_dense_kernels *lockstep_dense_kernels_for(lockstep_isa isa) {
  (void)isa;
  return NULL;
}
#endif

size_t lockstep_dense_scratch(size_t n, size_t in, size_t out) {
  const size_t panel = LARGEST_VECTORS * LANES;
  const size_t product =
      BAND_HEIGHT(n < BAND ? n : BAND) * (in + out) + 2 * panel * (in > out ? in : out);
  const size_t gradient =
      lockstep_dense_gradient_scratch() + n * STRIP + lockstep_dense_columns(n, in);
  return product > gradient ? product : gradient;
}

size_t lockstep_dense_columns(size_t n, size_t in) {
  const size_t panel = LARGEST_VECTORS * LANES;
  return n * ((in + panel - 1) / panel * panel);
}

size_t lockstep_dense_rows(size_t n, size_t out) {
  return (n * (out + LARGEST_ROWS) + LANES - 1) / LANES * LANES;
}

size_t lockstep_dense_gradient_scratch(void) { return LEVELS * LARGEST_TILE; }
