#ifndef LOCKSTEP_CONEDNN_V2_H
#define LOCKSTEP_CONEDNN_V2_H

// oneDNN 2: memory descriptors are values, and an operation has a descriptor of its own.

#include <stdlib.h>

#include "types.h"

// Memory descriptors ------------------------------------------------------------------------------

static inline dnnl_memory_desc_t *lockstep_md_get(const lockstep_md *md) {
  return (dnnl_memory_desc_t *)md;
}
static inline dnnl_status_t lockstep_md_copy(lockstep_md **out, const dnnl_memory_desc_t *d) {
  dnnl_memory_desc_t *copy = (dnnl_memory_desc_t *)malloc(sizeof *copy);
  if (copy) *copy = *d;
  *out = (lockstep_md *)copy;
  return copy ? dnnl_success : dnnl_out_of_memory;
}
static inline void lockstep_md_destroy(lockstep_md *md) { free(md); }

static inline int lockstep_md_create_strided(lockstep_md **out, int rank, const int64_t *shape,
                                             const int64_t *strides, lockstep_type type) {
  dnnl_memory_desc_t d;
  dnnl_status_t s =
      dnnl_memory_desc_init_by_strides(&d, rank, shape, lockstep_dnnl_type(type), strides);
  return s != dnnl_success ? s : lockstep_md_copy(out, &d);
}
static inline int lockstep_md_create_tagged(lockstep_md **out, int rank, const int64_t *shape,
                                            dnnl_format_tag_t tag, lockstep_type type) {
  dnnl_memory_desc_t d;
  dnnl_status_t s = dnnl_memory_desc_init_by_tag(&d, rank, shape, lockstep_dnnl_type(type), tag);
  return s != dnnl_success ? s : lockstep_md_copy(out, &d);
}

static inline lockstep_layout lockstep_md_layout(const lockstep_md *md) {
  const dnnl_memory_desc_t *d = lockstep_md_get(md);
  const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
  lockstep_layout l = {
      d->ndims, d->data_type,
      d->format_kind == dnnl_blocked && d->offset0 == 0 && d->extra.flags == 0,
      d->dims, d->padded_dims, d->padded_offsets, b->strides,
      b->inner_nblks, b->inner_blks, b->inner_idxs};
  return l;
}

// Post-ops ----------------------------------------------------------------------------------------

static inline dnnl_status_t lockstep_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind,
                                                    float alpha, float beta) {
  return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
}
static inline dnnl_status_t lockstep_append_sum(dnnl_post_ops_t ops) {
  return dnnl_post_ops_append_sum(ops, 1.0f);
}

// Primitive descriptors ---------------------------------------------------------------------------

static inline int lockstep_inner_product_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                 const lockstep_md *src, const lockstep_md *weights,
                                                 const lockstep_md *bias, const lockstep_md *dst,
                                                 dnnl_primitive_attr_t attr) {
  dnnl_inner_product_desc_t d;
  dnnl_status_t s = dnnl_inner_product_forward_desc_init(
      &d, dnnl_forward_training, lockstep_md_get(src), lockstep_md_get(weights),
      lockstep_md_get(bias), lockstep_md_get(dst));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_inner_product_backward_data(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff_src,
    const lockstep_md *weights, const lockstep_md *diff_dst, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  dnnl_inner_product_desc_t d;
  dnnl_status_t s = dnnl_inner_product_backward_data_desc_init(
      &d, lockstep_md_get(diff_src), lockstep_md_get(weights), lockstep_md_get(diff_dst));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}
static inline int lockstep_inner_product_backward_weights(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *src,
    const lockstep_md *diff_weights, const lockstep_md *diff_bias, const lockstep_md *diff_dst,
    const_dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attr) {
  dnnl_inner_product_desc_t d;
  dnnl_status_t s = dnnl_inner_product_backward_weights_desc_init(
      &d, lockstep_md_get(src), lockstep_md_get(diff_weights), lockstep_md_get(diff_bias),
      lockstep_md_get(diff_dst));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}

static inline int lockstep_convolution_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                               const lockstep_md *src, const lockstep_md *weights,
                                               const lockstep_md *bias, const lockstep_md *dst,
                                               const lockstep_window *w, int winograd,
                                               dnnl_primitive_attr_t attr) {
  int64_t dilates[2] = {w->dilations[0] - 1, w->dilations[1] - 1};
  dnnl_convolution_desc_t d;
  dnnl_status_t s = dnnl_dilated_convolution_forward_desc_init(
      &d, dnnl_forward_training, lockstep_convolution_kind(winograd), lockstep_md_get(src),
      lockstep_md_get(weights), lockstep_md_get(bias), lockstep_md_get(dst), w->strides, dilates,
      w->padding_low, w->padding_high);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_convolution_backward_data(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff_src,
    const lockstep_md *weights, const lockstep_md *diff_dst, const lockstep_window *w, int winograd,
    const_dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attr) {
  int64_t dilates[2] = {w->dilations[0] - 1, w->dilations[1] - 1};
  dnnl_convolution_desc_t d;
  dnnl_status_t s = dnnl_dilated_convolution_backward_data_desc_init(
      &d, lockstep_convolution_kind(winograd), lockstep_md_get(diff_src), lockstep_md_get(weights),
      lockstep_md_get(diff_dst), w->strides, dilates, w->padding_low, w->padding_high);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}
static inline int lockstep_convolution_backward_weights(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *src,
    const lockstep_md *diff_weights, const lockstep_md *diff_bias, const lockstep_md *diff_dst,
    const lockstep_window *w, int winograd, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  int64_t dilates[2] = {w->dilations[0] - 1, w->dilations[1] - 1};
  dnnl_convolution_desc_t d;
  dnnl_status_t s = dnnl_dilated_convolution_backward_weights_desc_init(
      &d, lockstep_convolution_kind(winograd), lockstep_md_get(src), lockstep_md_get(diff_weights),
      lockstep_md_get(diff_bias), lockstep_md_get(diff_dst), w->strides, dilates, w->padding_low,
      w->padding_high);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}

static inline int lockstep_pooling_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                           lockstep_pool kind, const lockstep_md *src,
                                           const lockstep_md *dst, const lockstep_window *w,
                                           dnnl_primitive_attr_t attr) {
  dnnl_pooling_desc_t d;
  dnnl_status_t s = dnnl_pooling_forward_desc_init(
      &d, dnnl_forward_training, lockstep_pool_kind(kind), lockstep_md_get(src),
      lockstep_md_get(dst), w->strides, w->kernel, w->padding_low, w->padding_high);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_pooling_backward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                            lockstep_pool kind, const lockstep_md *diff_src,
                                            const lockstep_md *diff_dst, const lockstep_window *w,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_attr_t attr) {
  dnnl_pooling_desc_t d;
  dnnl_status_t s = dnnl_pooling_backward_desc_init(
      &d, lockstep_pool_kind(kind), lockstep_md_get(diff_src), lockstep_md_get(diff_dst),
      w->strides, w->kernel, w->padding_low, w->padding_high);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}

static inline int lockstep_batch_normalization_forward(dnnl_primitive_desc_t *pd,
                                                       dnnl_engine_t engine, const lockstep_md *src,
                                                       float epsilon, int global_statistics,
                                                       int fuse_relu, dnnl_primitive_attr_t attr) {
  dnnl_batch_normalization_desc_t d;
  dnnl_status_t s = dnnl_batch_normalization_forward_desc_init(
      &d, lockstep_normalization_kind(global_statistics, fuse_relu), lockstep_md_get(src), epsilon,
      lockstep_normalization_flags(global_statistics, fuse_relu));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
// Whether the backward primitive demands a shift, which it does not read.
static inline int lockstep_normalization_gradient_has_shift(void) { return 1; }
static inline int lockstep_batch_normalization_backward(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff,
    const lockstep_md *src, float epsilon, int fuse_relu, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  dnnl_batch_normalization_desc_t d;
  dnnl_status_t s = dnnl_batch_normalization_backward_desc_init(
      &d, dnnl_backward, lockstep_md_get(diff), lockstep_md_get(src), epsilon,
      lockstep_normalization_flags(0, fuse_relu));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}

static inline int lockstep_eltwise_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                           dnnl_alg_kind_t kind, const lockstep_md *data,
                                           float alpha, float beta, dnnl_primitive_attr_t attr) {
  dnnl_eltwise_desc_t d;
  dnnl_status_t s = dnnl_eltwise_forward_desc_init(&d, dnnl_forward_training, kind,
                                                   lockstep_md_get(data), alpha, beta);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_eltwise_backward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                            dnnl_alg_kind_t kind, const lockstep_md *diff,
                                            const lockstep_md *data, float alpha, float beta,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_attr_t attr) {
  dnnl_eltwise_desc_t d;
  dnnl_status_t s = dnnl_eltwise_backward_desc_init(&d, kind, lockstep_md_get(diff),
                                                    lockstep_md_get(data), alpha, beta);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, forward);
}
static inline int lockstep_binary(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                  dnnl_alg_kind_t kind, const lockstep_md *a, const lockstep_md *b,
                                  const lockstep_md *dst, dnnl_primitive_attr_t attr) {
  dnnl_binary_desc_t d;
  dnnl_status_t s =
      dnnl_binary_desc_init(&d, kind, lockstep_md_get(a), lockstep_md_get(b), lockstep_md_get(dst));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_reduction_sum(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                         const lockstep_md *src, const lockstep_md *dst,
                                         dnnl_primitive_attr_t attr) {
  dnnl_reduction_desc_t d;
  dnnl_status_t s = dnnl_reduction_desc_init(&d, dnnl_reduction_sum, lockstep_md_get(src),
                                             lockstep_md_get(dst), 0.0f, 0.0f);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                  const lockstep_md *a, const lockstep_md *b,
                                  const lockstep_md *dst, dnnl_primitive_attr_t attr) {
  dnnl_matmul_desc_t d;
  dnnl_status_t s = dnnl_matmul_desc_init(&d, lockstep_md_get(a), lockstep_md_get(b), NULL,
                                          lockstep_md_get(dst));
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}

#endif
