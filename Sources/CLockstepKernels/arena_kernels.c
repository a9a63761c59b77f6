#include "lockstep_kernels.h"
#include "lanes.h"

#define KERNELS "arena_kernels.inc"
#include "instantiate.h"

const lockstep_arena_kernels *lockstep_arena_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, arena_table);
}
