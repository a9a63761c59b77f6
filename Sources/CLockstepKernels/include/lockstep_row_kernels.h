// Kernels of normalisations of rows: each row of a matrix by its own mean and variance.
#ifndef LOCKSTEP_ROW_KERNELS_H
#define LOCKSTEP_ROW_KERNELS_H

typedef struct {
  // y = (x - mean) inverse gamma + beta for each of `rows` rows of `columns` values, with the row's mean,
  // or 0 unless `centers`, and inverse = 1 / sqrt(mean of squares of (x - mean) + epsilon). beta may be
  // NULL for zeros. Sums are in double.
  void (*normalize)(float *y, float *mean, float *inverse, const float *x, const float *gamma,
                    const float *beta, size_t rows, size_t columns, double epsilon, int centers);
  // The gradients by x, and by gamma and beta as sums over rows, which begin at what is there and have room
  // for a multiple of 16 columns. With
  // d = dy gamma and n = (x - mean) inverse: dx = inverse (d - mean of d - n mean of d n), without the
  // mean of d unless rows were centred.
  void (*gradient)(float *dx, double *dgamma, double *dbeta, const float *dy, const float *x,
                   const float *gamma, const float *mean, const float *inverse, size_t rows,
                   size_t columns, int centers);
} lockstep_row_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_row_kernels *lockstep_row_kernels_for(lockstep_isa isa);

#endif
