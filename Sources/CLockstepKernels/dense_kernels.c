#include "lockstep_kernels.h"
#include "lanes.h"

// A tile of a result, in registers: rows x vectors of 16 lanes. With 24 sums in the 32 registers of AVX-512,
// a fused multiply-add costs 1.4 instructions, loads and loop included. That matters where two threads share
// a core, as neighbours on a rented machine do: each gets half of the instructions a cycle.
#define ROWS_avx512 6
#define VECTORS_avx512 4
#define ROWS_avx2 6
#define VECTORS_avx2 1
#define ROWS_baseline 4
#define VECTORS_baseline 1

// A panel of two vectors has twice the rows.
#define LARGEST_ROWS 12
#define LARGEST_VECTORS 4
#define LARGEST_TILE (24 * LANES)
#define LARGEST_WIDTH (LARGEST_VECTORS * LANES)

// How many examples share what is read of the weights.
#define BAND 128
// Whole panels of so many examples.
#define BAND_HEIGHT(count) (((count) + LARGEST_WIDTH - 1) / LARGEST_WIDTH * LARGEST_WIDTH)
// Sums that may wait for another of their level: up to 2^LEVELS shards.
#define LEVELS 8
// Rows of a weight gradient that are made panel by panel, at most.
#define STRIP 32

// How many rows of the weights an input gradient takes at a time: what stays in the second cache beside the
// next ones and a band's sums, but enough that loading and storing the sums is little beside the terms.
#define MOST_BLOCK_ROWS 128
static size_t input_block_rows(size_t in) {
  const size_t rows = ((size_t)1 << 17) / in / LANES * LANES;
  return rows < 32 ? 32 : rows < MOST_BLOCK_ROWS ? rows : MOST_BLOCK_ROWS;
}

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
  const size_t forward = BAND_HEIGHT(n < BAND ? n : BAND) * (in + out);
  const size_t input = MOST_BLOCK_ROWS * LARGEST_WIDTH;
  const size_t weight =
      lockstep_dense_gradient_scratch() + n * STRIP + lockstep_dense_columns(n, in);
  const size_t product = forward > input ? forward : input;
  return product > weight ? product : weight;
}

size_t lockstep_dense_columns(size_t n, size_t in) {
  return n * ((in + LARGEST_WIDTH - 1) / LARGEST_WIDTH * LARGEST_WIDTH);
}

size_t lockstep_dense_rows(size_t n, size_t out) {
  return (n * (out + LARGEST_ROWS) + LANES - 1) / LANES * LANES;
}

size_t lockstep_dense_gradient_scratch(void) { return LEVELS * LARGEST_TILE; }
