// Vector kernels, one table of functions an instruction set.
//
// All tables give the same bits: vectors are 16 lanes wide in the source whatever the registers,
// reductions run over 16 fixed lanes that are added in a fixed order, contraction is off, and no
// element kernel calls libm. The one exception are the kernels of dense layers, which use fused
// multiply-adds and are there where the processor has them.
#ifndef LOCKSTEP_KERNELS_H
#define LOCKSTEP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  LOCKSTEP_ISA_BASELINE = 0,
  LOCKSTEP_ISA_AVX2 = 1,
  LOCKSTEP_ISA_AVX512 = 2,
} lockstep_isa;

// The best instruction set this processor has.
lockstep_isa lockstep_isa_detect(void);
// The processor's features that a library may choose implementations by, as a number that is equal
// for equal features.
uint64_t lockstep_isa_features(void);
// Whether the processor multiplies bfloat16 numbers in AVX-512 registers.
int lockstep_isa_has_bf16(void);
const char *lockstep_isa_name(lockstep_isa isa);

// Sets flush-to-zero and denormals-are-zero on the calling thread and returns whether both are set.
int lockstep_flush_denormals(void);

#include "lockstep_arena_kernels.h"
#include "lockstep_convolution_kernels.h"
#include "lockstep_dense_kernels.h"
#include "lockstep_graph_kernels.h"
#include "lockstep_half_kernels.h"
#include "lockstep_attention_kernels.h"
#include "lockstep_noise_kernels.h"
#include "lockstep_normalization_kernels.h"
#include "lockstep_pooling_kernels.h"
#include "lockstep_recurrent_kernels.h"
#include "lockstep_rotary_kernels.h"
#include "lockstep_row_kernels.h"
#include "lockstep_tensor_kernels.h"
#include "lockstep_update_kernels.h"
#include "lockstep_stream_kernels.h"
#include "lockstep_vector_kernels.h"
#include "lockstep_winograd_kernels.h"
#include "lockstep_wire_kernels.h"

#endif
