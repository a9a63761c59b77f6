// oneDNN behind one small, version-neutral set of functions.
//
// Everything that differs between oneDNN's two C APIs (v2: operation descriptors and memory
// descriptors by value; v3: primitive descriptors made directly, opaque memory descriptors) is in
// this header. All functions return 0 or a dnnl_status_t; handles are opaque to the caller.
#ifndef LOCKSTEP_CONEDNN_SHIM_H
#define LOCKSTEP_CONEDNN_SHIM_H

#include <dlfcn.h>
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#if DNNL_VERSION_MAJOR >= 3
#error "this shim speaks oneDNN 2.x; the functions below are the place to add 3.x"
#endif

typedef struct lockstep_md lockstep_md;  // a memory descriptor on the heap

static inline dnnl_memory_desc_t *lockstep_md_get(const lockstep_md *md) {
  return (dnnl_memory_desc_t *)md;
}

static inline lockstep_md *lockstep_md_copy_raw(const dnnl_memory_desc_t *d) {
  dnnl_memory_desc_t *copy = (dnnl_memory_desc_t *)malloc(sizeof *copy);
  if (copy) *copy = *d;
  return (lockstep_md *)copy;
}

typedef enum { LOCKSTEP_F32 = 0, LOCKSTEP_BF16 = 1, LOCKSTEP_S32 = 2 } lockstep_type;

static inline dnnl_data_type_t lockstep_dnnl_type(lockstep_type t) {
  return t == LOCKSTEP_F32 ? dnnl_f32 : t == LOCKSTEP_BF16 ? dnnl_bf16 : dnnl_s32;
}

// Memory descriptors ------------------------------------------------------------------------------

// strides == NULL lets the primitive choose the layout.
static inline int lockstep_md_create(lockstep_md **out, int ndims, const int64_t *dims,
                                     const int64_t *strides, lockstep_type type) {
  dnnl_memory_desc_t d;
  dnnl_status_t s =
      strides ? dnnl_memory_desc_init_by_strides(&d, ndims, dims, lockstep_dnnl_type(type), strides)
              : dnnl_memory_desc_init_by_tag(&d, ndims, dims, lockstep_dnnl_type(type),
                                             dnnl_format_tag_any);
  if (s != dnnl_success) return s;
  *out = lockstep_md_copy_raw(&d);
  return *out ? 0 : dnnl_out_of_memory;
}
static inline void lockstep_md_destroy(lockstep_md *md) { free(md); }
static inline int lockstep_md_equal(const lockstep_md *a, const lockstep_md *b) {
  return dnnl_memory_desc_equal(lockstep_md_get(a), lockstep_md_get(b));
}
static inline size_t lockstep_md_size(const lockstep_md *md) {
  return dnnl_memory_desc_get_size(lockstep_md_get(md));
}
static inline int64_t lockstep_md_dimension(const lockstep_md *md, int axis) {
  return lockstep_md_get(md)->dims[axis];
}
static inline int lockstep_md_rank(const lockstep_md *md) { return lockstep_md_get(md)->ndims; }

// The type of the values; -1 for one that has no name here.
static inline int lockstep_md_type(const lockstep_md *md) {
  switch (lockstep_md_get(md)->data_type) {
    case dnnl_f32: return LOCKSTEP_F32;
    case dnnl_bf16: return LOCKSTEP_BF16;
    case dnnl_s32: return LOCKSTEP_S32;
    default: return -1;
  }
}

// Layouts of images [N, C, H, W] by name.
typedef enum { LOCKSTEP_CHANNELS_LAST = 0, LOCKSTEP_CHANNELS_BY_16 = 1 } lockstep_image_layout;

static inline int lockstep_md_create_image(lockstep_md **out, const int64_t *dims,
                                           lockstep_image_layout layout, lockstep_type type) {
  dnnl_memory_desc_t d;
  dnnl_status_t s = dnnl_memory_desc_init_by_tag(
      &d, 4, dims, lockstep_dnnl_type(type),
      layout == LOCKSTEP_CHANNELS_LAST ? dnnl_nhwc : dnnl_nChw16c);
  if (s != dnnl_success) return s;
  *out = lockstep_md_copy_raw(&d);
  return *out ? 0 : dnnl_out_of_memory;
}

// The strides of a layout without blocks, where one block that is as long as its axis counts as
// none; 0 where the layout is of another kind.
static inline int lockstep_md_plain_strides(const lockstep_md *md, int64_t *strides) {
  const dnnl_memory_desc_t *d = lockstep_md_get(md);
  if (d->format_kind != dnnl_blocked || d->offset0 != 0 || d->extra.flags != 0) return 0;
  const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
  for (int i = 0; i < d->ndims; i++) {
    if (d->padded_dims[i] != d->dims[i] || d->padded_offsets[i] != 0) return 0;
    strides[i] = d->dims[i] == 1 ? 0 : b->strides[i];
  }
  if (b->inner_nblks == 0) return 1;
  if (b->inner_nblks != 1 || d->dims[b->inner_idxs[0]] != b->inner_blks[0]) return 0;
  strides[b->inner_idxs[0]] = 1;
  return 1;
}
// Whether two descriptors mean the same bytes, though they may say so differently.
static inline int lockstep_md_same_bytes(const lockstep_md *a, const lockstep_md *b) {
  const dnnl_memory_desc_t *x = lockstep_md_get(a), *y = lockstep_md_get(b);
  int64_t s[DNNL_MAX_NDIMS], t[DNNL_MAX_NDIMS];
  if (x->ndims != y->ndims || x->data_type != y->data_type) return 0;
  if (!lockstep_md_plain_strides(a, s) || !lockstep_md_plain_strides(b, t)) return 0;
  for (int i = 0; i < x->ndims; i++)
    if (x->dims[i] != y->dims[i] || s[i] != t[i]) return 0;
  return 1;
}

// The layout of `count` examples side by side, each as in a layout of one; fails where the first axis is not the
// outermost.
static inline int lockstep_md_repeat(lockstep_md **out, const lockstep_md *md, int64_t count) {
  dnnl_memory_desc_t d = *lockstep_md_get(md);
  if (d.format_kind != dnnl_blocked || d.offset0 != 0 || d.extra.flags != 0 || d.dims[0] != 1 ||
      d.padded_dims[0] != 1 ||
      (size_t)d.format_desc.blocking.strides[0] * dnnl_data_type_size(d.data_type) !=
          dnnl_memory_desc_get_size(&d))
    return dnnl_unimplemented;
  d.dims[0] = d.padded_dims[0] = count;
  *out = lockstep_md_copy_raw(&d);
  return *out ? 0 : dnnl_out_of_memory;
}

// For a matrix stored as panels of rows, each column by column, or for bfloat16 pair of columns by
// pair: the width of a panel in rows, and from one panel to the next in values; 0 for other layouts.
static inline int64_t lockstep_md_panels(const lockstep_md *md, int64_t *panel) {
  const dnnl_memory_desc_t *d = lockstep_md_get(md);
  if (d->format_kind != dnnl_blocked || d->ndims != 2 || d->offset0 != 0 || d->extra.flags != 0)
    return 0;
  const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
  const int paired = d->data_type == dnnl_bf16;
  if (!paired && d->data_type != dnnl_f32) return 0;
  if (b->inner_nblks != 2 + paired || b->inner_idxs[0] != 1 || b->inner_idxs[1] != 0) return 0;
  if (paired && (b->inner_idxs[2] != 1 || b->inner_blks[2] != 2)) return 0;
  if (b->strides[1] != b->inner_blks[0] * b->inner_blks[1] * (1 + paired)) return 0;
  *panel = b->strides[0];
  return b->inner_blks[1];
}

// For a dense Float32 tensor [N, C, ...] that lies in memory as [N][C / width][points][width]: the
// width. It is 1 for planes of one channel each, C for channels last, 8 or 16 for blocks; 0 for
// other layouts.
static inline int64_t lockstep_md_channel_width(const lockstep_md *md) {
  const dnnl_memory_desc_t *d = lockstep_md_get(md);
  if (d->format_kind != dnnl_blocked || d->ndims < 2 || d->data_type != dnnl_f32 ||
      d->offset0 != 0 || d->extra.flags != 0)
    return 0;
  const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
  if (b->inner_nblks > 1 || (b->inner_nblks == 1 && b->inner_idxs[0] != 1)) return 0;
  int64_t points = 1;
  for (int i = 0; i < d->ndims; i++) {
    if (d->padded_offsets[i] != 0 || (i != 1 && d->padded_dims[i] != d->dims[i])) return 0;
    if (i > 1) points *= d->dims[i];
  }
  const int64_t channels = d->dims[1];
  // Without blocks the same bytes may be both kinds; planes of one point are better read across.
  const int64_t candidates[2] = {points > 1 ? 1 : channels, points > 1 ? channels : 1};
  for (int k = 0; k < 2; k++) {
    const int64_t width = b->inner_nblks == 1 ? b->inner_blks[0] : candidates[k];
    const int64_t groups = (channels + width - 1) / width;
    if (d->padded_dims[1] != groups * width) continue;
    int fits = b->inner_nblks == 1 || width == 1 || b->strides[1] == 1;
    int64_t stride = width;
    for (int i = d->ndims - 1; i > 1; i--) {
      if (d->dims[i] != 1 && b->strides[i] != stride) fits = 0;
      stride *= d->dims[i];
    }
    if (groups > 1 && b->strides[1] != stride) fits = 0;
    stride *= groups;
    if (d->dims[0] != 1 && b->strides[0] != stride) fits = 0;
    if (fits) return width;
  }
  return 0;
}

// Engine and stream -------------------------------------------------------------------------------

static inline int lockstep_dnnl_engine(dnnl_engine_t *engine) {
  return dnnl_engine_create(engine, dnnl_cpu, 0);
}
static inline int lockstep_dnnl_stream(dnnl_stream_t *stream, dnnl_engine_t engine) {
  return dnnl_stream_create(stream, engine, dnnl_stream_default_flags);
}
static inline void lockstep_dnnl_version(int *major, int *minor, int *patch) {
  const dnnl_version_t *v = dnnl_version();
  *major = v->major; *minor = v->minor; *patch = v->patch;
}
// Primitives made and run on the calling thread use that thread alone.
static inline int lockstep_dnnl_single_thread(void) {
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(1);
  return set != NULL;
}
// Caps the instruction set of primitives: 0 baseline (SSE4.1), 1 AVX2, 2 AVX-512, 3 AVX-512 with
// bfloat16.
static inline int lockstep_dnnl_cap_isa(int level) {
  return dnnl_set_max_cpu_isa(level == 0   ? dnnl_cpu_isa_sse41
                              : level == 1 ? dnnl_cpu_isa_avx2
                              : level == 2 ? dnnl_cpu_isa_avx512_core
                                           : dnnl_cpu_isa_avx512_core_bf16);
}
// The instruction set that primitives are made for, as a number that is equal for equal sets.
static inline int lockstep_dnnl_effective_isa(void) { return (int)dnnl_get_effective_cpu_isa(); }
// Whether primitives may use the processor's own products of bfloat16 numbers. The numbers of sets
// have the bits of the sets that they contain.
static inline int lockstep_dnnl_has_bf16(void) {
#if defined(__x86_64__)
  const int isa = lockstep_dnnl_effective_isa();
  return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
#else
  return 0;
#endif
}

// Attributes --------------------------------------------------------------------------------------

// Scratchpads are the caller's memory, so that nothing is allocated in a step.
static inline int lockstep_attr_create(dnnl_primitive_attr_t *attr) {
  dnnl_status_t s = dnnl_primitive_attr_create(attr);
  if (s == dnnl_success) s = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
  return s;
}
static inline int lockstep_attr_post_eltwise(dnnl_primitive_attr_t attr, dnnl_alg_kind_t kind,
                                             float alpha, float beta) {
  dnnl_post_ops_t ops;
  dnnl_status_t s = dnnl_post_ops_create(&ops);
  if (s != dnnl_success) return s;
  s = dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
  if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(attr, ops);
  dnnl_post_ops_destroy(ops);
  return s;
}
// The result is added to what lies in its place.
static inline int lockstep_attr_post_sum(dnnl_primitive_attr_t attr) {
  dnnl_post_ops_t ops;
  dnnl_status_t s = dnnl_post_ops_create(&ops);
  if (s != dnnl_success) return s;
  s = dnnl_post_ops_append_sum(ops, 1.0f);
  if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(attr, ops);
  dnnl_post_ops_destroy(ops);
  return s;
}
static inline void lockstep_attr_destroy(dnnl_primitive_attr_t attr) {
  dnnl_primitive_attr_destroy(attr);
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

// c = aᵀ b, or c += aᵀ b where `accumulates` is not zero, for row-major a [k, m] and b [k, n].
static inline int lockstep_transposed_product(float *c, const float *a, const float *b, int64_t m,
                                              int64_t n, int64_t k, int accumulates) {
  return dnnl_sgemm('T', 'N', m, n, k, 1.0f, a, m, b, n, accumulates ? 1.0f : 0.0f, c, n);
}

typedef struct {
  int64_t strides[2], dilations[2], padding_low[2], padding_high[2], kernel[2];
} lockstep_window;  // dilations in PyTorch's sense: 1 is dense

static inline dnnl_alg_kind_t lockstep_convolution_kind(int winograd) {
  return winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
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

typedef enum {
  LOCKSTEP_POOL_MAX = 0, LOCKSTEP_POOL_AVERAGE_VALID = 1, LOCKSTEP_POOL_AVERAGE_PADDED = 2
} lockstep_pool;

static inline dnnl_alg_kind_t lockstep_pool_kind(lockstep_pool p) {
  return p == LOCKSTEP_POOL_MAX             ? dnnl_pooling_max
         : p == LOCKSTEP_POOL_AVERAGE_VALID ? dnnl_pooling_avg_exclude_padding
                                            : dnnl_pooling_avg_include_padding;
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

// Batch normalisation with separate scale and shift.
static inline int lockstep_batch_normalization_forward(dnnl_primitive_desc_t *pd,
                                                       dnnl_engine_t engine, const lockstep_md *src,
                                                       float epsilon, int global_statistics,
                                                       int fuse_relu, dnnl_primitive_attr_t attr) {
  unsigned flags = dnnl_use_scale | dnnl_use_shift | (global_statistics ? dnnl_use_global_stats : 0) |
                   (fuse_relu ? dnnl_fuse_norm_relu : 0);
  dnnl_batch_normalization_desc_t d;
  dnnl_status_t s = dnnl_batch_normalization_forward_desc_init(
      &d, global_statistics && !fuse_relu ? dnnl_forward_inference : dnnl_forward_training,
      lockstep_md_get(src), epsilon, flags);
  return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}
static inline int lockstep_batch_normalization_backward(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const lockstep_md *diff,
    const lockstep_md *src, float epsilon, int fuse_relu, const_dnnl_primitive_desc_t forward,
    dnnl_primitive_attr_t attr) {
  unsigned flags = dnnl_use_scale | dnnl_use_shift | (fuse_relu ? dnnl_fuse_norm_relu : 0);
  dnnl_batch_normalization_desc_t d;
  dnnl_status_t s = dnnl_batch_normalization_backward_desc_init(
      &d, dnnl_backward, lockstep_md_get(diff), lockstep_md_get(src), epsilon, flags);
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
static inline int lockstep_reorder(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                   const lockstep_md *src, const lockstep_md *dst,
                                   dnnl_primitive_attr_t attr) {
  return dnnl_reorder_primitive_desc_create(pd, lockstep_md_get(src), engine, lockstep_md_get(dst),
                                            engine, attr);
}

// A copy of the descriptor that a primitive wants for argument `what` (dnnl_query_src_md ...);
// NULL where it has none.
static inline lockstep_md *lockstep_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t what,
                                          int index) {
  const dnnl_memory_desc_t *d = dnnl_primitive_desc_query_md(pd, what, index);
  return d && d->ndims > 0 ? lockstep_md_copy_raw(d) : NULL;
}
static inline const char *lockstep_pd_implementation(const_dnnl_primitive_desc_t pd) {
  const char *text = NULL;
  dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &text);
  return text ? text : "unknown";
}

// Memory ------------------------------------------------------------------------------------------

static inline int lockstep_memory_create(dnnl_memory_t *memory, const lockstep_md *md,
                                         dnnl_engine_t engine, void *address) {
  return dnnl_memory_create(memory, lockstep_md_get(md), engine, address);
}

#endif
