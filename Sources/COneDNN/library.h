#ifndef LOCKSTEP_CONEDNN_LIBRARY_H
#define LOCKSTEP_CONEDNN_LIBRARY_H

// The library itself: its version, its threads, its instruction sets.

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "types.h"

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
// Primitives made and run on the calling thread use that thread alone. Returns 0 where the library's
// threads cannot be held.
static inline int lockstep_dnnl_single_thread(void) {
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_SEQ
  return 1;
#elif DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(1);
  return set != NULL;
#elif DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_TBB
  // TBB counts the processors that the process may use once, when it is first asked, and has as many
  // threads ever after. So it is asked while the process may use one, before oneDNN asks.
  int (*count)(const void *) = (int (*)(const void *))dlsym(
      RTLD_DEFAULT, "_ZN3tbb6detail2r115max_concurrencyEPKNS0_2d115task_arena_baseE");
  static int held = 0;
  if (held || !count) return held;
  unsigned long all[128] = {0}, one[128] = {0};
  const long size = syscall(SYS_sched_getaffinity, getpid(), sizeof all, all);
  for (long i = 0; i < size / (long)sizeof *all; i++) {
    if (!all[i]) continue;
    one[i] = all[i] & -all[i];
    break;
  }
  if (size <= 0 || syscall(SYS_sched_setaffinity, getpid(), size, one) != 0) return 0;
  held = count(NULL) == 1;
  syscall(SYS_sched_setaffinity, getpid(), size, all);
  return held;
#else
#error "the threads of this oneDNN are neither OpenMP's nor TBB's: they cannot be held to one"
#endif
}

// Runs a primitive to its end.
static inline int lockstep_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                   const dnnl_exec_arg_t *arguments) {
  const dnnl_status_t status = dnnl_primitive_execute(primitive, stream, count, arguments);
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_SYCL
  if (status == dnnl_success) return dnnl_stream_wait(stream);
#endif
  return status;
}

// Caps the instruction set of primitives: 0 baseline (SSE4.1), 1 AVX2, 2 AVX-512, 3 AVX-512 with
// bfloat16.
static inline int lockstep_dnnl_cap_isa(int level) {
  lockstep_dnnl_single_thread();
  return dnnl_set_max_cpu_isa(level == 0   ? dnnl_cpu_isa_sse41
                              : level == 1 ? dnnl_cpu_isa_avx2
                              : level == 2 ? dnnl_cpu_isa_avx512_core
                                           : dnnl_cpu_isa_avx512_core_bf16);
}
// The instruction set that primitives are made for, as a number that is equal for equal sets.
static inline int lockstep_dnnl_effective_isa(void) {
  lockstep_dnnl_single_thread();
  return (int)dnnl_get_effective_cpu_isa();
}
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

// c = aᵀ b, or c += aᵀ b where `accumulates` is not zero, for row-major a [k, m] and b [k, n].
static inline int lockstep_transposed_product(float *c, const float *a, const float *b, int64_t m,
                                              int64_t n, int64_t k, int accumulates) {
  return dnnl_sgemm('T', 'N', m, n, k, 1.0f, a, m, b, n, accumulates ? 1.0f : 0.0f, c, n);
}

#endif
