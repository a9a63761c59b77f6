// Kernels of the curvature: what conjugate gradients and tangents need beside the others.
#ifndef LOCKSTEP_VECTOR_KERNELS_H
#define LOCKSTEP_VECTOR_KERNELS_H

typedef struct {
  // The sum of a[i] b[i] in double over 16 fixed lanes (lane = index mod 16), added pairwise.
  double (*dot)(const float *a, const float *b, size_t n);
  // out[i] = r[i] / (d[i] + damping)^(3/4), d[i] >= 0; out may be r.
  void (*precondition)(float *out, const float *r, const float *d, float damping, size_t n);
  // x[i] = x[i]^2
  void (*square)(float *x, size_t n);
} lockstep_vector_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_vector_kernels *lockstep_vector_kernels_for(lockstep_isa isa);

// A sliding window over planes [height, width] with a result of [rows, columns].
typedef struct {
  size_t planes, height, width, rows, columns;
  size_t kernel_height, kernel_width, stride_down, stride_across, padding_top, padding_left;
} lockstep_pooling;

// y = the value of `moving` where x is largest in each window; the first of equal ones counts.
void lockstep_maximum_tangent(float *y, const float *moving, const float *x,
                              const lockstep_pooling *shape);

#endif
