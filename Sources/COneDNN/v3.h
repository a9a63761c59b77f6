#ifndef LOCKSTEP_CONEDNN_V3_H
#define LOCKSTEP_CONEDNN_V3_H

// oneDNN 3: memory descriptors are opaque, and primitive descriptors are made of them directly.

#include "types.h"

// Memory descriptors ------------------------------------------------------------------------------

static inline const_dnnl_memory_desc_t lockstep_md_get(const lockstep_md *md) {
  return (const_dnnl_memory_desc_t)md;
}
static inline dnnl_status_t lockstep_md_copy(lockstep_md **out, const_dnnl_memory_desc_t d) {
  return dnnl_memory_desc_clone((dnnl_memory_desc_t *)out, d);
}
static inline void lockstep_md_destroy(lockstep_md *md) {
  dnnl_memory_desc_destroy((dnnl_memory_desc_t)md);
}

static inline int lockstep_md_create_strided(lockstep_md **out, int rank, const int64_t *shape,
                                             const int64_t *strides, lockstep_type type) {
  return dnnl_memory_desc_create_with_strides((dnnl_memory_desc_t *)out, rank, shape,
                                              lockstep_dnnl_type(type), strides);
}
static inline int lockstep_md_create_tagged(lockstep_md **out, int rank, const int64_t *shape,
                                            dnnl_format_tag_t tag, lockstep_type type) {
  return dnnl_memory_desc_create_with_tag((dnnl_memory_desc_t *)out, rank, shape,
                                          lockstep_dnnl_type(type), tag);
}

// A query that does not apply leaves the field as it is.
static inline lockstep_layout lockstep_md_layout(const lockstep_md *md) {
  const_dnnl_memory_desc_t d = lockstep_md_get(md);
  lockstep_layout l = {0};
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  int64_t offset = 0;
  dnnl_memory_desc_query(d, dnnl_query_ndims_s32, &l.rank);
  dnnl_memory_desc_query(d, dnnl_query_data_type, &l.type);
  dnnl_memory_desc_query(d, dnnl_query_format_kind, &kind);
  dnnl_memory_desc_query(d, dnnl_query_submemory_offset_s64, &offset);
  dnnl_memory_desc_query(d, dnnl_query_dims, &l.shape);
  dnnl_memory_desc_query(d, dnnl_query_padded_dims, &l.padded_shape);
  dnnl_memory_desc_query(d, dnnl_query_padded_offsets, &l.padded_offsets);
  if (kind != dnnl_blocked || offset != 0) return l;
  l.is_blocked = 1;
  dnnl_memory_desc_query(d, dnnl_query_strides, &l.strides);
  dnnl_memory_desc_query(d, dnnl_query_inner_nblks_s32, &l.block_count);
  dnnl_memory_desc_query(d, dnnl_query_inner_blks, &l.block_sizes);
  dnnl_memory_desc_query(d, dnnl_query_inner_idxs, &l.block_axes);
  return l;
}

// Post-ops ----------------------------------------------------------------------------------------

static inline dnnl_status_t lockstep_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind,
                                                    float alpha, float beta) {
  return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}
static inline dnnl_status_t lockstep_append_sum(dnnl_post_ops_t ops) {
  return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

// Primitive descriptors ---------------------------------------------------------------------------

static inline int lockstep_inner_product_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                 const lockstep_md *src, const lockstep_md *weights,
                                                 const lockstep_md *bias, const lockstep_md *dst,
                                                 dnnl_primitive_attr_t attr) {
  return dnnl_inner_product_forward_primitive_desc_create(
      pd, engine, dnnl_forward_training, lockstep_md_get(src), lockstep_md_get(weights),
      lockstep_md_get(bias), lockstep_md_get(dst), attr);
}
static inline int lockstep_inner_product_backward_data(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff_src,
    const lockstep_md *weights, const lockstep_md *diff_dst, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  return dnnl_inner_product_backward_data_primitive_desc_create(
      pd, engine, lockstep_md_get(diff_src), lockstep_md_get(weights), lockstep_md_get(diff_dst),
      forward, attr);
}
static inline int lockstep_inner_product_backward_weights(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *src,
    const lockstep_md *diff_weights, const lockstep_md *diff_bias, const lockstep_md *diff_dst,
    const_dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attr) {
  return dnnl_inner_product_backward_weights_primitive_desc_create(
      pd, engine, lockstep_md_get(src), lockstep_md_get(diff_weights),
      lockstep_md_get(diff_bias), lockstep_md_get(diff_dst), forward, attr);
}

static inline int lockstep_convolution_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                               const lockstep_md *src, const lockstep_md *weights,
                                               const lockstep_md *bias, const lockstep_md *dst,
                                               const lockstep_window *w, int winograd,
                                               dnnl_primitive_attr_t attr) {
  int64_t dilates[2] = {w->dilations[0] - 1, w->dilations[1] - 1};
  return dnnl_convolution_forward_primitive_desc_create(
      pd, engine, dnnl_forward_training, lockstep_convolution_kind(winograd), lockstep_md_get(src),
      lockstep_md_get(weights), lockstep_md_get(bias), lockstep_md_get(dst), w->strides, dilates,
      w->padding_low, w->padding_high, attr);
}
static inline int lockstep_convolution_backward_data(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff_src,
    const lockstep_md *weights, const lockstep_md *diff_dst, const lockstep_window *w, int winograd,
    const_dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attr) {
  int64_t dilates[2] = {w->dilations[0] - 1, w->dilations[1] - 1};
  return dnnl_convolution_backward_data_primitive_desc_create(
      pd, engine, lockstep_convolution_kind(winograd), lockstep_md_get(diff_src),
      lockstep_md_get(weights), lockstep_md_get(diff_dst), w->strides, dilates, w->padding_low,
      w->padding_high, forward, attr);
}
static inline int lockstep_convolution_backward_weights(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *src,
    const lockstep_md *diff_weights, const lockstep_md *diff_bias, const lockstep_md *diff_dst,
    const lockstep_window *w, int winograd, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  int64_t dilates[2] = {w->dilations[0] - 1, w->dilations[1] - 1};
  return dnnl_convolution_backward_weights_primitive_desc_create(
      pd, engine, lockstep_convolution_kind(winograd), lockstep_md_get(src),
      lockstep_md_get(diff_weights), lockstep_md_get(diff_bias), lockstep_md_get(diff_dst),
      w->strides, dilates, w->padding_low, w->padding_high, forward, attr);
}

static inline int lockstep_pooling_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                           lockstep_pool kind, const lockstep_md *src,
                                           const lockstep_md *dst, const lockstep_window *w,
                                           dnnl_primitive_attr_t attr) {
  const int64_t dense[2] = {0, 0};
  return dnnl_pooling_forward_primitive_desc_create(
      pd, engine, dnnl_forward_training, lockstep_pool_kind(kind), lockstep_md_get(src),
      lockstep_md_get(dst), w->strides, w->kernel, dense, w->padding_low, w->padding_high, attr);
}
static inline int lockstep_pooling_backward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                            lockstep_pool kind, const lockstep_md *diff_src,
                                            const lockstep_md *diff_dst, const lockstep_window *w,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_attr_t attr) {
  const int64_t dense[2] = {0, 0};
  return dnnl_pooling_backward_primitive_desc_create(
      pd, engine, lockstep_pool_kind(kind), lockstep_md_get(diff_src), lockstep_md_get(diff_dst),
      w->strides, w->kernel, dense, w->padding_low, w->padding_high, forward, attr);
}

static inline int lockstep_batch_normalization_forward(dnnl_primitive_desc_t *pd,
                                                       dnnl_engine_t engine, const lockstep_md *src,
                                                       float epsilon, int global_statistics,
                                                       int fuse_relu, dnnl_primitive_attr_t attr) {
  return dnnl_batch_normalization_forward_primitive_desc_create(
      pd, engine, lockstep_normalization_kind(global_statistics, fuse_relu), lockstep_md_get(src),
      lockstep_md_get(src), epsilon, lockstep_normalization_flags(global_statistics, fuse_relu), attr);
}
// Whether the backward primitive demands a shift, which it does not read.
static inline int lockstep_normalization_gradient_has_shift(void) { return 0; }
static inline int lockstep_batch_normalization_backward(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff,
    const lockstep_md *src, float epsilon, int fuse_relu, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  return dnnl_batch_normalization_backward_primitive_desc_create(
      pd, engine, dnnl_backward, lockstep_md_get(diff), lockstep_md_get(diff),
      lockstep_md_get(src), epsilon, lockstep_normalization_flags(0, fuse_relu), forward, attr);
}

static inline int lockstep_eltwise_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                           dnnl_alg_kind_t kind, const lockstep_md *data,
                                           float alpha, float beta, dnnl_primitive_attr_t attr) {
  return dnnl_eltwise_forward_primitive_desc_create(pd, engine, dnnl_forward_training, kind,
                                                    lockstep_md_get(data), lockstep_md_get(data),
                                                    alpha, beta, attr);
}
static inline int lockstep_eltwise_backward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                            dnnl_alg_kind_t kind, const lockstep_md *diff,
                                            const lockstep_md *data, float alpha, float beta,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_attr_t attr) {
  return dnnl_eltwise_backward_primitive_desc_create(
      pd, engine, kind, lockstep_md_get(diff), lockstep_md_get(diff), lockstep_md_get(data), alpha,
      beta, forward, attr);
}
static inline int lockstep_binary(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                  dnnl_alg_kind_t kind, const lockstep_md *a, const lockstep_md *b,
                                  const lockstep_md *dst, dnnl_primitive_attr_t attr) {
  return dnnl_binary_primitive_desc_create(pd, engine, kind, lockstep_md_get(a), lockstep_md_get(b),
                                           lockstep_md_get(dst), attr);
}
static inline int lockstep_reduction_sum(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                         const lockstep_md *src, const lockstep_md *dst,
                                         dnnl_primitive_attr_t attr) {
  return dnnl_reduction_primitive_desc_create(pd, engine, dnnl_reduction_sum, lockstep_md_get(src),
                                              lockstep_md_get(dst), 0.0f, 0.0f, attr);
}
static inline int lockstep_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                  const lockstep_md *a, const lockstep_md *b,
                                  const lockstep_md *dst, dnnl_primitive_attr_t attr) {
  return dnnl_matmul_primitive_desc_create(pd, engine, lockstep_md_get(a), lockstep_md_get(b), NULL,
                                           lockstep_md_get(dst), attr);
}

#endif
