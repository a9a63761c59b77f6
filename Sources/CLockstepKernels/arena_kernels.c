#include "lockstep_kernels.h"
#include "lanes.h"

// What multiplying by has the bits of dividing by a power of two, and is several times as fast; 0 where there
// is no such number.
static float exact_inverse(float divisor) {
  uint32_t bits;
  memcpy(&bits, &divisor, sizeof bits);
  const uint32_t exponent = bits >> 23 & 255;
  // Neither a denormal, nor the inverse of one.
  return (bits & 0x7fffff) == 0 && exponent > 0 && exponent < 254 ? 1 / divisor : 0;
}

#define KERNELS "arena_kernels.inc"
#include "instantiate.h"

const lockstep_arena_kernels *lockstep_arena_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, arena_table);
}
