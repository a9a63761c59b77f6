// Rotary positions: pairs of values turned by angles that are given by cosine and sine.
#ifndef LOCKSTEP_ROTARY_KERNELS_H
#define LOCKSTEP_ROTARY_KERNELS_H

typedef struct {
  size_t examples, positions;
  size_t row;      // values of a position
  size_t columns;  // of them in heads, from the first on; the rest is copied
  size_t head;     // values of a head, an even number
} lockstep_rotary;

// (a, b) becomes (a cos - b sin, b cos + a sin), with cosines and sines for [positions][head / 2]. y may be x.
typedef struct {
  // Pairs 2i and 2i + 1 of a head.
  void (*neighbours)(const lockstep_rotary *sizes, float *y, const float *x, const float *cosines,
                     const float *sines);
  // Pairs i and i + head / 2.
  void (*halves)(const lockstep_rotary *sizes, float *y, const float *x, const float *cosines,
                 const float *sines);
} lockstep_rotary_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_rotary_kernels *lockstep_rotary_kernels_for(lockstep_isa isa);

#endif
