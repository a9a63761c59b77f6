#ifndef LOCKSTEP_CONEDNN_TYPES_H
#define LOCKSTEP_CONEDNN_TYPES_H

#include <dnnl.h>
#include <stdint.h>

typedef struct lockstep_md lockstep_md;  // a memory descriptor on the heap

typedef enum { LOCKSTEP_F32 = 0, LOCKSTEP_BF16 = 1, LOCKSTEP_S32 = 2 } lockstep_type;

static inline dnnl_data_type_t lockstep_dnnl_type(lockstep_type t) {
  return t == LOCKSTEP_F32 ? dnnl_f32 : t == LOCKSTEP_BF16 ? dnnl_bf16 : dnnl_s32;
}

// Layouts of images [N, C, H, W] by name.
typedef enum {
  LOCKSTEP_CHANNELS_LAST = 0, LOCKSTEP_CHANNELS_BY_16 = 1, LOCKSTEP_CHANNELS_BY_8 = 2
} lockstep_image_layout;

// What a layout is made of. The arrays belong to the descriptor.
typedef struct {
  int rank;
  dnnl_data_type_t type;
  int is_blocked;  // by strides and blocks, from the first value of the memory on
  const int64_t *shape, *padded_shape, *padded_offsets, *strides;
  int block_count;
  const int64_t *block_sizes, *block_axes;  // the innermost block last
} lockstep_layout;

typedef struct {
  int64_t strides[2], dilations[2], padding_low[2], padding_high[2], kernel[2];
} lockstep_window;  // dilations in PyTorch's sense: 1 is dense

static inline dnnl_alg_kind_t lockstep_convolution_kind(int winograd) {
  return winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
}

typedef enum {
  LOCKSTEP_POOL_MAX = 0, LOCKSTEP_POOL_AVERAGE_VALID = 1, LOCKSTEP_POOL_AVERAGE_PADDED = 2
} lockstep_pool;

static inline dnnl_alg_kind_t lockstep_pool_kind(lockstep_pool p) {
  return p == LOCKSTEP_POOL_MAX             ? dnnl_pooling_max
         : p == LOCKSTEP_POOL_AVERAGE_VALID ? dnnl_pooling_avg_exclude_padding
                                            : dnnl_pooling_avg_include_padding;
}

// Batch normalisation with separate scale and shift.
static inline unsigned lockstep_normalization_flags(int global_statistics, int fuse_relu) {
  return dnnl_use_scale | dnnl_use_shift | (global_statistics ? dnnl_use_global_stats : 0) |
         (fuse_relu ? dnnl_fuse_norm_relu : 0);
}
// Given statistics are inference, unless a backward pass wants to know where the rectifier was open.
static inline dnnl_prop_kind_t lockstep_normalization_kind(int global_statistics, int fuse_relu) {
  return global_statistics && !fuse_relu ? dnnl_forward_inference : dnnl_forward_training;
}

#endif
