// Compiles the file named by KERNELS once for each instruction set. Each copy names its functions
// with NAMED(name); SELECT_TABLE picks a copy's table.
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAMED(name) JOIN(name, SUFFIX)

#define SUFFIX baseline
#include KERNELS
#undef SUFFIX

#if defined(__x86_64__)

// Where a processor does not know prefetchw it does nothing.

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,prfchw"))), apply_to = function)
#define SUFFIX avx2
#include KERNELS
#undef SUFFIX
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prfchw"))), \
    apply_to = function)
#define SUFFIX avx512
#include KERNELS
#undef SUFFIX
#pragma clang attribute pop

#define SELECT_TABLE(isa, table) \
  ((isa) >= LOCKSTEP_ISA_AVX512 ? &table##_avx512 \
   : (isa) >= LOCKSTEP_ISA_AVX2 ? &table##_avx2 : &table##_baseline)

#else

#define SELECT_TABLE(isa, table) ((void)(isa), &table##_baseline)

#endif
