#include "lockstep_kernels.h"
#include "lanes.h"

// Runs the statements for every vector of n values: i is the first index, k the number of values.
#define FOR_EACH_VECTOR(n, ...) do { \
    size_t i = 0; \
    for (; i + LANES <= (n); i += LANES) { const size_t k = LANES; __VA_ARGS__ } \
    if (i < (n)) { const size_t k = (n) - i; __VA_ARGS__ } \
  } while (0)

#define INLINED static inline __attribute__((always_inline))

// Copies n values, 16 or fewer, without a call: short runs are common (3×3 filters, biases).
INLINED void copy_values(float *to, const float *from, size_t n) {
  if (n == LANES) { memcpy(to, from, LANES * sizeof(float)); return; }
  if (n & 8) { memcpy(to, from, 32); to += 8; from += 8; }
  if (n & 4) { memcpy(to, from, 16); to += 4; from += 4; }
  if (n & 2) { memcpy(to, from, 8); to += 2; from += 2; }
  if (n & 1) *to = *from;
}

// The vector at i of an array, zeros behind the last value.
#define GET(p) ({ f16v v_ = 0.0f; copy_values((float *)&v_, (p) + i, k); v_; })
#define PUT(p, x) do { f16v v_ = (x); copy_values((p) + i, (const float *)&v_, k); } while (0)

// Lane by lane where the mask of a comparison is set a, else b.
#define SELECT(mask, a, b) ({ i16v m_ = (mask); \
  (f16v)((m_ & (i16v)(a)) | (~m_ & (i16v)(b))); })
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define MAGNITUDE(x) ((f16v)((i16v)(x) & 0x7fffffff))

// The directions, shared by the plain kernels and the fused steps so that both have the same bits.
#define ADAM_DIRECTION(u, first, second, c, plain) do { \
    f16v m_ = GET(first); m_ += (u - m_) * (c)->one_minus_beta1; PUT(first, m_); \
    f16v s_ = GET(second); s_ = s_ * (c)->beta2 + u * u * (c)->one_minus_beta2; PUT(second, s_); \
    if (plain) u = m_ * (c)->numerator; \
    else u = m_ * (c)->numerator / (SQRT(s_) * (c)->denominator + (c)->epsilon); \
  } while (0)

#define MOMENTUM_DIRECTION(u, buffer, c, nesterov_) do { \
    f16v b_ = GET(buffer); b_ = b_ * (c)->momentum + u * (c)->gain; PUT(buffer, b_); \
    u = (nesterov_) ? u + b_ * (c)->momentum : b_; \
  } while (0)

#define KERNELS "update_kernels.inc"
#include "instantiate.h"

const lockstep_update_kernels *lockstep_update_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, update_table);
}
