// Kernels over flat arenas: the tree fold's node, normalisation, norms.
#ifndef LOCKSTEP_ARENA_KERNELS_H
#define LOCKSTEP_ARENA_KERNELS_H


typedef struct {
  // out[i] = a[i] + b[i]; out may be a or b.
  void (*add)(float *out, const float *a, const float *b, size_t n);
  // out[i] = a[i] / divisor; out may be a.
  void (*divide)(float *out, const float *a, float divisor, size_t n);
  // Sum of squares in double over 16 fixed lanes (lane = index mod 16), added pairwise.
  double (*sum_of_squares)(const float *a, size_t n);
  // Sum in double over 16 fixed lanes, added pairwise.
  double (*sum)(const float *a, size_t n);
} lockstep_arena_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_arena_kernels *lockstep_arena_kernels_for(lockstep_isa isa);

#endif
