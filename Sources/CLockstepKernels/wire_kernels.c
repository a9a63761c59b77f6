#include "lockstep_kernels.h"
#include "lanes.h"

typedef uint16_t h16v __attribute__((ext_vector_type(16)));

// To nearest, ties to even: half of the last kept place is added, less one where that place is even,
// and the rest cut off. A NaN is made quiet instead, or the addition could carry it over to zero.
#define ROUND(value) ({ \
  const f16v x_ = (value); \
  const u16v b_ = (u16v)x_, nan_ = (u16v)(x_ != x_); \
  const u16v near_ = b_ + 0x7fff + ((b_ >> 16) & 1); \
  (f16v)(((near_ & ~nan_) | ((b_ | 0x400000) & nan_)) & 0xffff0000u); })

#define KERNELS "wire_kernels.inc"
#include "instantiate.h"

const lockstep_wire_kernels *lockstep_wire_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, wire_table);
}
