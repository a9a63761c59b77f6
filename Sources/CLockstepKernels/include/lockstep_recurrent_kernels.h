// Kernels of recurrent networks: one position of a sequence for all examples.
//
// The products of hidden states and weights are made outside, in arrays of n rows one behind the other;
// `input` and what is left of each position lie example by example, all of an example's positions one behind
// the other. A row has as many values a gate as there are hidden units. At a position behind its example's
// end the state stays, the result is 0, and gradients are 0.
#ifndef LOCKSTEP_RECURRENT_KERNELS_H
#define LOCKSTEP_RECURRENT_KERNELS_H

// A position of n sequences.
typedef struct {
  size_t n, hidden;
  // The position, and how many there are.
  size_t position, positions;
  // Whether the sequences are read from their end.
  int reverses;
  // Whether every position keeps what the gradient needs, or all share the room of one.
  int keeps;
  // The sequences' lengths, or NULL where all have all positions.
  const int32_t *lengths;
} lockstep_recurrent_step;

// With a the input products, bias included, and q the recurrent ones, their bias added here, s the sigmoid, * by element.
typedef struct {
  // h = f(a + q), f = tanh, or max(0, .) where it rectifies.
  void (*plain_forward)(float *y, float *h, const float *input, const float *recurrent,
                        const float *bias, int rectifies, const lockstep_recurrent_step *step);
  // r = s(a_r + q_r), z = s(a_z + q_z), n = tanh(a_n + r * q_n), h = n + z * (h - n). Gates in the
  // order r, z, n; keeps r, z, n, q_n.
  void (*gru_forward)(float *y, float *h, float *kept, const float *input, const float *recurrent,
                      const float *bias, const lockstep_recurrent_step *step);
  // i, f, o = s(a + q), g = tanh(a + q), c = f * c + i * g, h = o * tanh(c). Gates in the order
  // i, f, g, o; keeps i, f, g, o, c.
  void (*lstm_forward)(float *y, float *h, float *c, float *kept, const float *input,
                       const float *recurrent, const float *bias, const lockstep_recurrent_step *step);

  // The gradients by a and q of a position, the latter in `now` too, one row an example. dh is the
  // gradient by the state behind the position, without what goes through the products of the next one, which
  // is `product`, and becomes that of the state before, again without products; dc is that of the memory. dy
  // may be NULL for zeros.
  void (*plain_backward)(float *dinput, float *now, float *dh, const float *product, const float *dy,
                         const float *y, int rectifies, const lockstep_recurrent_step *step);
  void (*gru_backward)(float *dinput, float *drecurrent, float *now, float *dh, const float *product,
                       const float *dy, const float *y, const float *kept, const float *h0,
                       const lockstep_recurrent_step *step);
  void (*lstm_backward)(float *dinput, float *now, float *dh, float *dc, const float *product,
                        const float *dy, const float *kept, const float *c0,
                        const lockstep_recurrent_step *step);

  // The derivatives along a direction: ty and the states' th and tc, from those of a and of q, the latter
  // without what comes through the state before, which is `product`.
  void (*plain_tangent)(float *ty, float *th, const float *tinput, const float *trecurrent,
                        const float *product, const float *y, int rectifies,
                        const lockstep_recurrent_step *step);
  void (*gru_tangent)(float *ty, float *th, const float *tinput, const float *trecurrent,
                      const float *product, const float *y, const float *kept, const float *h0,
                      const lockstep_recurrent_step *step);
  void (*lstm_tangent)(float *ty, float *th, float *tc, const float *tinput, const float *trecurrent,
                       const float *product, const float *kept, const float *c0,
                       const lockstep_recurrent_step *step);

  // The state before the position, of y [n][positions][hidden] and h0; 0 behind the end.
  void (*history)(float *before, const float *y, const float *h0, const lockstep_recurrent_step *step);

  // The products where there are no fused multiply-adds: y[n][out] = x[n][in] · w[out][in]ᵀ;
  // dx[n][in] = dy[n][out] · w[out][in].
  void (*product)(float *y, const float *x, const float *w, size_t n, size_t in, size_t out);
  void (*product_gradient)(float *dx, const float *dy, const float *w, size_t n, size_t in, size_t out);

  // sigmoid(x) and tanh(x) of n values, as the gates compute them.
  void (*gate_functions)(float *sigmoid, float *tanh, const float *x, size_t n);
} lockstep_recurrent_kernels;

// The table of an instruction set; the next lower one where this build lacks it.
const lockstep_recurrent_kernels *lockstep_recurrent_kernels_for(lockstep_isa isa);

#endif
