// Kernels of max pooling, for channels that lie side by side or in planes of their own.
#ifndef LOCKSTEP_POOLING_KERNELS_H
#define LOCKSTEP_POOLING_KERNELS_H

#include "lockstep_vector_kernels.h"

// Of a window's places, at most so many can be told apart in a byte.
#define LOCKSTEP_POOLING_PLACES 256

typedef struct {
  // y [planes, rows, columns, side] = the largest value of x [planes, height, width, side] in each window,
  // and where in the window it is: row * kernel_width + column. Of equal values the first one counts, and a
  // NaN is larger than any number.
  void (*maximum)(float *y, uint8_t *places, const float *x, size_t side,
                  const lockstep_pooling *shape);
  // dx = the sum of dy over the windows whose largest value is here, in their order. Each dx is written once.
  void (*maximum_gradient)(float *dx, const float *dy, const uint8_t *places, size_t side,
                           const lockstep_pooling *shape);
} lockstep_pooling_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_pooling_kernels *lockstep_pooling_kernels_for(lockstep_isa isa);

#endif
