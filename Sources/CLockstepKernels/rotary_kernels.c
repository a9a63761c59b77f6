#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "rotary_kernels.inc"
#include "instantiate.h"

const lockstep_rotary_kernels *lockstep_rotary_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, rotary_table);
}
