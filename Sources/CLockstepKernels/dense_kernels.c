#include "lockstep_kernels.h"
#include "dense_sizes.h"
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

// How many columns of products of many rows are laid at a time: about 256 kB of them.
static size_t laid_columns(size_t terms) {
  const size_t columns = ((size_t)1 << 16) / (terms ? terms : 1) / LARGEST_WIDTH * LARGEST_WIDTH;
  return columns ? columns : LARGEST_WIDTH;
}

// One fused multiply-add a term.
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)

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

// What is laid at a time of `columns` columns of sums of so many terms.
static size_t laid_room(size_t terms, size_t columns) {
  const size_t room = (columns + LARGEST_WIDTH - 1) / LARGEST_WIDTH * LARGEST_WIDTH;
  return terms * (room < laid_columns(terms) ? room : laid_columns(terms));
}

size_t lockstep_dense_scratch(size_t n, size_t in, size_t out) {
  const size_t forward = BAND_HEIGHT(n < BAND ? n : BAND) * (in + out);
  const size_t input = MOST_BLOCK_ROWS * LARGEST_WIDTH;
  const size_t weight =
      lockstep_dense_gradient_scratch() + n * STRIP + lockstep_dense_columns(n, in);
  const size_t product = forward > input ? forward : input;
  const size_t few = product > weight ? product : weight;
  if (n <= BAND) return few;
  const size_t blocks = laid_room(in, out) > laid_room(out, in) ? laid_room(in, out) : laid_room(out, in);
  const size_t laid = GROUPS + lockstep_dense_columns(n, in);
  return few > blocks && few > laid ? few : blocks > laid ? blocks : laid;
}

size_t lockstep_dense_panels(size_t in, size_t out) {
  const size_t inputs = (in + LARGEST_WIDTH - 1) / LARGEST_WIDTH * LARGEST_WIDTH;
  const size_t outputs = (out + LARGEST_WIDTH - 1) / LARGEST_WIDTH * LARGEST_WIDTH;
  return inputs * out > outputs * in ? inputs * out : outputs * in;
}

size_t lockstep_dense_columns(size_t n, size_t in) {
  return n * ((in + LARGEST_WIDTH - 1) / LARGEST_WIDTH * LARGEST_WIDTH);
}

size_t lockstep_dense_rows(size_t n, size_t out) {
  return (n * (out + LARGEST_ROWS) + LANES - 1) / LANES * LANES;
}

size_t lockstep_dense_gradient_scratch(void) { return LEVELS * LARGEST_TILE; }
