#ifndef LOCKSTEP_CONEDNN_LAYOUTS_H
#define LOCKSTEP_CONEDNN_LAYOUTS_H

// Memory descriptors, and what their layouts mean, in terms of what v2.h and v3.h have alike.

#include <stddef.h>

#include "types.h"

// strides == NULL lets the primitive choose the layout.
static inline int lockstep_md_create(lockstep_md **out, int rank, const int64_t *shape,
                                     const int64_t *strides, lockstep_type type) {
  return strides ? lockstep_md_create_strided(out, rank, shape, strides, type)
                 : lockstep_md_create_tagged(out, rank, shape, dnnl_format_tag_any, type);
}
static inline int lockstep_md_create_image(lockstep_md **out, const int64_t *shape,
                                           lockstep_image_layout layout, lockstep_type type) {
  const dnnl_format_tag_t tag = layout == LOCKSTEP_CHANNELS_LAST   ? dnnl_nhwc
                                : layout == LOCKSTEP_CHANNELS_BY_8 ? dnnl_nChw8c
                                                                   : dnnl_nChw16c;
  return lockstep_md_create_tagged(out, 4, shape, tag, type);
}
static inline int lockstep_md_equal(const lockstep_md *a, const lockstep_md *b) {
  return dnnl_memory_desc_equal(lockstep_md_get(a), lockstep_md_get(b));
}
static inline size_t lockstep_md_size(const lockstep_md *md) {
  return dnnl_memory_desc_get_size(lockstep_md_get(md));
}
static inline int lockstep_md_rank(const lockstep_md *md) { return lockstep_md_layout(md).rank; }
static inline int64_t lockstep_md_dimension(const lockstep_md *md, int axis) {
  return lockstep_md_layout(md).shape[axis];
}

// The type of the values; -1 for one that has no name here.
static inline int lockstep_md_type(const lockstep_md *md) {
  switch (lockstep_md_layout(md).type) {
    case dnnl_f32: return LOCKSTEP_F32;
    case dnnl_bf16: return LOCKSTEP_BF16;
    case dnnl_s32: return LOCKSTEP_S32;
    default: return -1;
  }
}

// The strides of a layout without blocks, where one block that is as long as its axis counts as
// none; 0 where the layout is of another kind.
static inline int lockstep_md_plain_strides(const lockstep_md *md, int64_t *strides) {
  const lockstep_layout l = lockstep_md_layout(md);
  if (!l.is_blocked) return 0;
  for (int i = 0; i < l.rank; i++) {
    if (l.padded_shape[i] != l.shape[i] || l.padded_offsets[i] != 0) return 0;
    strides[i] = l.shape[i] == 1 ? 0 : l.strides[i];
  }
  if (l.block_count == 0) return 1;
  if (l.block_count != 1 || l.shape[l.block_axes[0]] != l.block_sizes[0]) return 0;
  strides[l.block_axes[0]] = 1;
  return 1;
}
// Whether two descriptors mean the same bytes, though they may say so differently.
static inline int lockstep_md_same_bytes(const lockstep_md *a, const lockstep_md *b) {
  const lockstep_layout x = lockstep_md_layout(a), y = lockstep_md_layout(b);
  int64_t s[DNNL_MAX_NDIMS], t[DNNL_MAX_NDIMS];
  if (x.rank != y.rank || x.type != y.type) return 0;
  if (!lockstep_md_plain_strides(a, s) || !lockstep_md_plain_strides(b, t)) return 0;
  for (int i = 0; i < x.rank; i++)
    if (x.shape[i] != y.shape[i] || s[i] != t[i]) return 0;
  return 1;
}

// The layout of `count` images side by side, each as in a layout of one: planes, channels last, or
// blocks of channels.
static inline int lockstep_md_repeat(lockstep_md **out, const lockstep_md *md, int64_t count) {
  const lockstep_layout l = lockstep_md_layout(md);
  const int type = lockstep_md_type(md);
  if (!l.is_blocked || l.rank != 4 || type < 0 || l.padded_shape[0] != 1) return dnnl_unimplemented;
  int64_t shape[4], strides[4];
  for (int i = 0; i < 4; i++) {
    shape[i] = i == 0 ? count : l.shape[i];
    strides[i] = i == 0 ? (int64_t)(lockstep_md_size(md) / dnnl_data_type_size(l.type)) : l.strides[i];
  }
  if (l.block_count == 0)
    return lockstep_md_create_strided(out, 4, shape, strides, (lockstep_type)type);
  const int64_t width = l.block_count == 1 && l.block_axes[0] == 1 ? l.block_sizes[0] : 0;
  const dnnl_format_tag_t tag = width == 4    ? dnnl_aBcd4b
                                : width == 8  ? dnnl_aBcd8b
                                : width == 16 ? dnnl_aBcd16b
                                : width == 32 ? dnnl_aBcd32b
                                              : dnnl_format_tag_undef;
  if (tag == dnnl_format_tag_undef) return dnnl_unimplemented;
  const int status = lockstep_md_create_tagged(out, 4, shape, tag, (lockstep_type)type);
  if (status != dnnl_success) return status;
  const lockstep_layout made = lockstep_md_layout(*out);
  for (int i = 0; i < 4; i++) {
    if (made.shape[i] == 1 || made.strides[i] == strides[i]) continue;
    lockstep_md_destroy(*out);
    return dnnl_unimplemented;
  }
  return dnnl_success;
}

// For a matrix stored as panels of rows, each column by column, or for bfloat16 pair of columns by
// pair: the width of a panel in rows, and from one panel to the next in values; 0 for other layouts.
static inline int64_t lockstep_md_panels(const lockstep_md *md, int64_t *panel) {
  const lockstep_layout l = lockstep_md_layout(md);
  if (!l.is_blocked || l.rank != 2) return 0;
  const int paired = l.type == dnnl_bf16;
  if (!paired && l.type != dnnl_f32) return 0;
  if (l.block_count != 2 + paired || l.block_axes[0] != 1 || l.block_axes[1] != 0) return 0;
  if (paired && (l.block_axes[2] != 1 || l.block_sizes[2] != 2)) return 0;
  if (l.strides[1] != l.block_sizes[0] * l.block_sizes[1] * (1 + paired)) return 0;
  *panel = l.strides[0];
  return l.block_sizes[1];
}

// For a dense Float32 tensor [N, C, ...] that lies in memory as [N][C / width][points][width]: the
// width. It is 1 for planes of one channel each, C for channels last, 8 or 16 for blocks; 0 for
// other layouts.
static inline int64_t lockstep_md_channel_width(const lockstep_md *md) {
  const lockstep_layout l = lockstep_md_layout(md);
  if (!l.is_blocked || l.rank < 2 || l.type != dnnl_f32) return 0;
  if (l.block_count > 1 || (l.block_count == 1 && l.block_axes[0] != 1)) return 0;
  int64_t points = 1;
  for (int i = 0; i < l.rank; i++) {
    if (l.padded_offsets[i] != 0 || (i != 1 && l.padded_shape[i] != l.shape[i])) return 0;
    if (i > 1) points *= l.shape[i];
  }
  const int64_t channels = l.shape[1];
  // Without blocks the same bytes may be both kinds; planes of one point are better read across.
  const int64_t candidates[2] = {points > 1 ? 1 : channels, points > 1 ? channels : 1};
  for (int k = 0; k < 2; k++) {
    const int64_t width = l.block_count == 1 ? l.block_sizes[0] : candidates[k];
    const int64_t groups = (channels + width - 1) / width;
    if (l.padded_shape[1] != groups * width) continue;
    int fits = l.block_count == 1 || width == 1 || l.strides[1] == 1;
    int64_t stride = width;
    for (int i = l.rank - 1; i > 1; i--) {
      if (l.shape[i] != 1 && l.strides[i] != stride) fits = 0;
      stride *= l.shape[i];
    }
    if (groups > 1 && l.strides[1] != stride) fits = 0;
    stride *= groups;
    if (l.shape[0] != 1 && l.strides[0] != stride) fits = 0;
    if (fits) return width;
  }
  return 0;
}

#endif
