#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "noise_kernels.inc"
#include "instantiate.h"

const lockstep_noise_kernels *lockstep_noise_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, noise_table);
}
