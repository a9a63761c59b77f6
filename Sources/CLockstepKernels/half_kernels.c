#include "lockstep_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "dense_sizes.h"
#include "lanes.h"

#define ROWS_halves 6
#define VECTORS_halves 4

// A term of the tiles is two of the sum: a pair of bf16 numbers lies where a Float32 number does.
#define MULTIPLY_ADD(a, b, c) \
  ((f16v)_mm512_dpbf16_ps((__m512)(c), (__m512bh)(a), (__m512bh)(b)))

#define NAMED(name) JOIN(name, SUFFIX)
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#pragma clang attribute push( \
    __attribute__(( \
        target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prfchw"))), \
    apply_to = function)
#define SUFFIX halves
#include "half_kernels.inc"
#undef SUFFIX
#pragma clang attribute pop

const lockstep_half_kernels *lockstep_half_kernels_here(void) {
  return lockstep_isa_has_bf16() ? &half_table_halves : NULL;
}

#else

const lockstep_half_kernels *lockstep_half_kernels_here(void) { return NULL; }

#endif

static size_t pairs(size_t terms) { return (terms + 1) / 2; }

static size_t panels(size_t terms, size_t columns) {
  return pairs(terms) * ((columns + 63) / 64 * 64);
}

size_t lockstep_half_panels(size_t in, size_t out) {
  return panels(in, out) > panels(out, in) ? panels(in, out) : panels(out, in);
}

size_t lockstep_half_scratch(size_t n, size_t in, size_t out) {
  return n * pairs(in > out ? in : out);
}
