#include "lockstep_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

lockstep_isa lockstep_isa_detect(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return LOCKSTEP_ISA_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return LOCKSTEP_ISA_AVX2;
  return LOCKSTEP_ISA_BASELINE;
}

int lockstep_flush_denormals(void) {
  const unsigned bits = 0x8040;  // FTZ (bit 15) and DAZ (bit 6)
  _mm_setcsr(_mm_getcsr() | bits);
  return (_mm_getcsr() & bits) == bits;
}

#elif defined(__aarch64__)

lockstep_isa lockstep_isa_detect(void) { return LOCKSTEP_ISA_BASELINE; }

int lockstep_flush_denormals(void) {
  const uint64_t fz = 1ull << 24;
  uint64_t fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  __asm__ volatile("msr fpcr, %0" ::"r"(fpcr | fz));
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return (fpcr & fz) != 0;
}

#else

lockstep_isa lockstep_isa_detect(void) { return LOCKSTEP_ISA_BASELINE; }
int lockstep_flush_denormals(void) { return 0; }

#endif

const char *lockstep_isa_name(lockstep_isa isa) {
  switch (isa) {
    case LOCKSTEP_ISA_AVX512: return "avx512";
    case LOCKSTEP_ISA_AVX2: return "avx2";
    default: return "baseline";
  }
}
