// Kernels of tensor operations that only compare, copy or compute in double, element by element: one
// version gives the same bits on every instruction set. All arrays are plain row-major.
#ifndef LOCKSTEP_TENSOR_KERNELS_H
#define LOCKSTEP_TENSOR_KERNELS_H

// y [outer, inner] = the largest values of x [outer, count, inner] along its middle axis, or the smallest.
// A NaN is larger and smaller than any number.
void lockstep_extremum(float *y, const float *x, size_t outer, size_t count, size_t inner,
                       int smallest);
// w [outer, count, inner] = 1 / k where x is one of k values along the axis that are equal to y, else 0; NaN
// where none is.
void lockstep_extremum_share(float *w, const float *x, const float *y, size_t outer, size_t count,
                             size_t inner);
// y = the larger of a and b, or the smaller; NaN where one of them is.
void lockstep_pair_extremum(float *y, const float *a, const float *b, size_t n, int smallest);
// w = 1 where a is larger than b (smaller), 1/2 where they are equal, 0 else; 1 where one of them is NaN.
void lockstep_pair_extremum_share(float *w, const float *a, const float *b, size_t n, int smallest);
// y [repeats, n] = value where mask [n] is not 0, else x. The mask is of floats, or of integers.
void lockstep_masked_fill(float *y, const float *x, const void *mask, int is_integer, float value,
                          size_t repeats, size_t n);
// y = x^exponent, to the last place or the one before; as C's pow where there is no such number.
void lockstep_power(float *y, const float *x, float exponent, size_t n);
// y = sin x, or cos x, to the last place or the one before, for all x.
void lockstep_sinusoid(float *y, const float *x, size_t n, int is_cosine);

// Means over windows of [planes, height, width] that make up [rows, columns]: window r begins at
// floor(r height / rows) and ends before ceil((r + 1) height / rows).
typedef struct {
  size_t planes, height, width, rows, columns;
} lockstep_adaptive_pooling;
void lockstep_adaptive_average(float *y, const float *x, const lockstep_adaptive_pooling *shape);
void lockstep_adaptive_average_gradient(float *dx, const float *dy,
                                        const lockstep_adaptive_pooling *shape);

#endif
