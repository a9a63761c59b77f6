// Kernels of the update: clipping, the optimizers' directions, the step, the projections.
//
// A direction kernel reads `in` and writes `out`, which may be `in`; moments are updated in place.
// Lower-case letters of the formulas: u the update vector, p the parameters, n the number of values.
#ifndef LOCKSTEP_UPDATE_KERNELS_H
#define LOCKSTEP_UPDATE_KERNELS_H

#pragma clang assume_nonnull begin

// m += (u - m)(1 - beta1);  v = beta2 v + (1 - beta2) u²;  w = v, or with amsgrad w = max(w, v)
// u = m numerator / (sqrt(w) denominator + epsilon), or m numerator where `plain` is not zero.
typedef struct {
  float one_minus_beta1, beta2, one_minus_beta2;
  float numerator, denominator, epsilon;
  int plain;
} lockstep_adam;

// m += (u - m)(1 - beta1);  v = beta2 v + (1 - beta2) u²
// u = (u gradient + m moment) / (sqrt(v) denominator + epsilon)
typedef struct {
  float one_minus_beta1, beta2, one_minus_beta2;
  float gradient, moment, denominator, epsilon;
} lockstep_nadam;

// m += (u - m)(1 - beta1);  l += (u - l)(1 - beta3);  v = beta2 v + (1 - beta2) u²
// u = (m fast + l slow) / (sqrt(v) denominator + epsilon)
typedef struct {
  float one_minus_beta1, beta2, one_minus_beta2, one_minus_beta3;
  float fast, slow, denominator, epsilon;
} lockstep_ademamix;

// v = alpha v + (1 - alpha) u²;  a += (u - a)(1 - alpha) where centered;  d = max(v - a², 0)
// u = u / (sqrt(d) + epsilon), or u / sqrt(d + epsilon) where `inside` is not zero.
typedef struct {
  float alpha, one_minus_alpha, epsilon;
  int inside;
} lockstep_rms;

// b = momentum b + gain u;  u = b, or u + momentum b with Nesterov's look-ahead.
typedef struct {
  float momentum, gain;
  int active, nesterov;
} lockstep_momentum;

// What surrounds a direction in a fused step: u = g scale, u += coupled p, direction,
// u += decoupled p, p -= rate u. A flag of zero leaves its term out.
typedef struct {
  float scale, coupled, decoupled, rate;
  int has_coupled, has_decoupled;
} lockstep_fused_step;

typedef struct {
  // out = in factor
  void (*_Nonnull scale)(float *out, const float *in, float factor, size_t n);
  // out = in limited to lower...upper (a NaN stays); returns how many values changed.
  size_t (*_Nonnull limit)(float *out, const float *in, float lower, float upper, size_t n);
  // out = in + factor p
  void (*_Nonnull add_scaled)(float *out, const float *in, const float *p, float factor, size_t n);
  // p = p - u
  void (*_Nonnull subtract)(float *p, const float *u, size_t n);
  // p = p - rate u
  void (*_Nonnull subtract_scaled)(float *p, const float *u, float rate, size_t n);

  void (*_Nonnull momentum)(float *out, const float *in, float *b, const lockstep_momentum *k,
                            size_t n);
  // `largest` is null without amsgrad.
  void (*_Nonnull adam)(float *out, const float *in, float *m, float *v, float *_Nullable largest,
                        const lockstep_adam *k, size_t n);
  void (*_Nonnull nadam)(float *out, const float *in, float *m, float *v, const lockstep_nadam *k,
                         size_t n);
  // `mean` is null unless centered.
  void (*_Nonnull rms)(float *out, const float *in, float *v, float *_Nullable mean,
                       const lockstep_rms *k, size_t n);
  // s += u²; u = u factor / (sqrt(s) + epsilon), or u factor / sqrt(s + epsilon) with `inside`.
  void (*_Nonnull adagrad)(float *out, const float *in, float *s, float factor, float epsilon,
                           int inside, size_t n);
  // v = rho v + (1 - rho) u²;  u = u sqrt(d + epsilon) / sqrt(v + epsilon);
  // d = rho d + (1 - rho) u²
  void (*_Nonnull adadelta)(float *out, const float *in, float *v, float *d, float rho,
                            float one_minus_rho, float epsilon, size_t n);
  // u = sign(m + (u - m)(1 - beta1));  m += (u_in - m)(1 - beta2)
  void (*_Nonnull lion)(float *out, const float *in, float *m, float one_minus_beta1,
                        float one_minus_beta2, size_t n);
  void (*_Nonnull ademamix)(float *out, const float *in, float *m, float *l, float *v,
                            const lockstep_ademamix *k, size_t n);
  // u = -1, 0 or 1; a NaN stays.
  void (*_Nonnull sign)(float *out, const float *in, size_t n);

  // A whole step in one walk, with the bits of the kernels above called one after another.
  void (*_Nonnull adam_step)(float *p, const float *g, float *m, float *v, const lockstep_adam *k,
                             const lockstep_fused_step *f, size_t n);
  void (*_Nonnull momentum_step)(float *p, const float *g, float *b, const lockstep_momentum *k,
                                 const lockstep_fused_step *f, size_t n);

  // Sum of |x|^power in double (power from 1 to 8; of |x/16|^8 for power 8, whose range would
  // leave no room for a sum) and the largest |x|, over 16 fixed lanes. The largest is NaN where a
  // value is NaN.
  double (*_Nonnull sum_of_powers)(const float *x, int power, size_t n);
  double (*_Nonnull largest_magnitude)(const float *x, size_t n);
  // sums[j] = the sum of squares of the j-th run of `unit` values.
  void (*_Nonnull unit_squares)(double *sums, const float *x, size_t unit, size_t units);
  // sums[i] += x[i]²
  void (*_Nonnull accumulate_squares)(double *sums, const float *x, size_t n);
  // x[i] = x[i] factors[i]
  void (*_Nonnull multiply)(float *x, const float *factors, size_t n);

  // out[j] = the dot product of row j of a matrix [rows, n] with v, in double over 16 fixed lanes.
  void (*_Nonnull matrix_vector)(double *out, const float *w, const double *v, size_t rows,
                                 size_t n);
  // out[i] += factor w[i] in double
  void (*_Nonnull accumulate_scaled)(double *out, const float *w, double factor, size_t n);
  // a += (p - a) rate
  void (*_Nonnull average)(float *a, const float *p, float rate, size_t n);
  // g += l1 sign(p) + 2 l2 p; returns the penalty l1 sum|p| + l2 sum p², in double over 16 lanes.
  double (*_Nonnull regularize)(float *g, const float *p, double l1, double l2, size_t n);
} lockstep_update_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_update_kernels *lockstep_update_kernels_for(lockstep_isa isa);

#pragma clang assume_nonnull end

#endif
