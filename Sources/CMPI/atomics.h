#ifndef LOCKSTEP_CMPI_ATOMICS_H
#define LOCKSTEP_CMPI_ATOMICS_H

#include <stdint.h>

// Atomic access to a word in memory that several processes share.

_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), 0), "a lock would be the process's own");

static inline uint64_t lockstep_mpi_load_acquire(const void *address) {
  return __atomic_load_n((const uint64_t *)address, __ATOMIC_ACQUIRE);
}
static inline void lockstep_mpi_store_release(void *address, uint64_t value) {
  __atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE);
}
// Whether the word was what was expected; it is what is desired then.
static inline int lockstep_mpi_compare_exchange(void *address, uint64_t expected,
                                                uint64_t desired) {
  return __atomic_compare_exchange_n((uint64_t *)address, &expected, desired, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}
// Tells the processor that this is a waiting loop.
static inline void lockstep_mpi_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
