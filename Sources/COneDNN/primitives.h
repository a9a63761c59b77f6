#ifndef LOCKSTEP_CONEDNN_PRIMITIVES_H
#define LOCKSTEP_CONEDNN_PRIMITIVES_H

// What is the same for all primitives: attributes, reorders, queries, memory.

#include "types.h"

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
  s = lockstep_append_eltwise(ops, kind, alpha, beta);
  if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(attr, ops);
  dnnl_post_ops_destroy(ops);
  return s;
}
// The result is added to what lies in its place.
static inline int lockstep_attr_post_sum(dnnl_primitive_attr_t attr) {
  dnnl_post_ops_t ops;
  dnnl_status_t s = dnnl_post_ops_create(&ops);
  if (s != dnnl_success) return s;
  s = lockstep_append_sum(ops);
  if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(attr, ops);
  dnnl_post_ops_destroy(ops);
  return s;
}
static inline void lockstep_attr_destroy(dnnl_primitive_attr_t attr) {
  dnnl_primitive_attr_destroy(attr);
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
  const lockstep_md *d = (const lockstep_md *)dnnl_primitive_desc_query_md(pd, what, index);
  lockstep_md *copy = NULL;
  if (!d || lockstep_md_layout(d).rank == 0) return NULL;
  return lockstep_md_copy(&copy, lockstep_md_get(d)) == dnnl_success ? copy : NULL;
}
static inline const char *lockstep_pd_implementation(const_dnnl_primitive_desc_t pd) {
  const char *text = NULL;
  dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &text);
  return text ? text : "unknown";
}

static inline int lockstep_memory_create(dnnl_memory_t *memory, const lockstep_md *md,
                                         dnnl_engine_t engine, void *address) {
  return dnnl_memory_create(memory, lockstep_md_get(md), engine, address);
}

#endif
