// Products with the same weights again and again, of bf16 numbers that are added up in Float32.
//
// Operands come as Float32 numbers and are rounded to the nearest bf16 ones, ties to even. Two terms are added at
// a time, by the processor's instruction for that; an element's bits do not depend on the number of rows.
#ifndef LOCKSTEP_HALF_KERNELS_H
#define LOCKSTEP_HALF_KERNELS_H

typedef struct {
  // Lays w[out][in] as it multiplies dy, or as it multiplies x...
  void (*lay_inputs)(float *panels, const float *w, size_t in, size_t out);
  void (*lay_outputs)(float *panels, const float *w, size_t in, size_t out);
  // ... and y[n][columns] = x[n][terms] times what was laid: terms are out and columns in, or the reverse.
  void (*multiply)(float *y, const float *x, const float *panels, size_t n, size_t terms,
                   size_t columns, float *scratch);
} lockstep_half_kernels;

// The table; NULL where the processor has no instruction for it (AVX-512 BF16).
const lockstep_half_kernels *lockstep_half_kernels_here(void);

// How many floats lay_inputs and lay_outputs lay.
size_t lockstep_half_panels(size_t in, size_t out);

// How many floats of scratch, 64-byte aligned, multiply may write for n rows.
size_t lockstep_half_scratch(size_t n, size_t in, size_t out);

#endif
