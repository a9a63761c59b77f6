#include "lockstep_kernels.h"
#include "lanes.h"

// A tile of a result, in registers: rows x vectors of 16 lanes. The vectors are as many examples as a
// product takes at once, or 16 columns each of a weight gradient.
#define ROWS_avx512 8
#define PRODUCT_VECTORS_avx512 2
#define GRADIENT_VECTORS_avx512 3
#define ROWS_avx2 6
#define PRODUCT_VECTORS_avx2 1
#define GRADIENT_VECTORS_avx2 1
#define ROWS_baseline 4
#define PRODUCT_VECTORS_baseline 1
#define GRADIENT_VECTORS_baseline 1

#define LARGEST_ROWS 8
#define LARGEST_VECTORS 3

// How the left factor of a tile is brought to the cache ahead of its use.
enum ahead { AHEAD_NONE, AHEAD_ALONG_ROWS, AHEAD_NEXT_COLUMNS };

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
  const size_t product = panel * (in + out);
  const size_t gradient = n * ((in + panel - 1) / panel * panel + LARGEST_ROWS);
  return product > gradient ? product : gradient;
}
