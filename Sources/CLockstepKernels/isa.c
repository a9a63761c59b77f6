#include "lockstep_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

lockstep_isa lockstep_isa_detect(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return LOCKSTEP_ISA_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return LOCKSTEP_ISA_AVX2;
  return LOCKSTEP_ISA_BASELINE;
}

uint64_t lockstep_isa_features(void) {
  unsigned a, b = 0, c = 0, d = 0, more = 0, x, y, z;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  if (a >= 1) __get_cpuid_count(7, 1, &more, &x, &y, &z);
  const unsigned vectors = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 21 | 1u << 30 | 1u << 31;
  const unsigned integers = 1u << 1 | 1u << 11 | 1u << 12 | 1u << 14;
  const unsigned matrices = 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
  const unsigned halves = 1u << 4 | 1u << 5;
  // The masks of c, d and the last word share no bit once they are shifted.
  return (uint64_t)(b & vectors) << 32 | (c & integers) | (d & matrices) | (more & halves);
}

int lockstep_isa_has_bf16(void) {
  return lockstep_isa_detect() == LOCKSTEP_ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
}

int lockstep_flush_denormals(void) {
  const unsigned bits = 0x8040;  // FTZ (bit 15) and DAZ (bit 6)
  _mm_setcsr(_mm_getcsr() | bits);
  return (_mm_getcsr() & bits) == bits;
}

#elif defined(__aarch64__)

lockstep_isa lockstep_isa_detect(void) { return LOCKSTEP_ISA_BASELINE; }
uint64_t lockstep_isa_features(void) { return 0; }
int lockstep_isa_has_bf16(void) { return 0; }

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
uint64_t lockstep_isa_features(void) { return 0; }
int lockstep_isa_has_bf16(void) { return 0; }
int lockstep_flush_denormals(void) { return 0; }

#endif

const char *lockstep_isa_name(lockstep_isa isa) {
  switch (isa) {
    case LOCKSTEP_ISA_AVX512: return "avx512";
    case LOCKSTEP_ISA_AVX2: return "avx2";
    default: return "baseline";
  }
}
