// What memory allows: loops that move the bytes of a computation and do next to nothing with them.
#ifndef LOCKSTEP_STREAM_KERNELS_H
#define LOCKSTEP_STREAM_KERNELS_H


typedef struct {
  // Reads n values; the sum of all, over 64 partial sums, so that the value is used.
  float (*read)(const float *a, size_t n);
  // a, b, c += d: the bytes of an update with two moments.
  void (*update)(float *a, float *b, float *c, const float *d, size_t n);
  // a += b: the bytes of adding a gradient to a sum.
  void (*add)(float *a, const float *b, size_t n);
} lockstep_stream_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_stream_kernels *lockstep_stream_kernels_for(lockstep_isa isa);

#endif
