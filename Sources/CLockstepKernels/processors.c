#define _GNU_SOURCE
#include "lockstep_kernels.h"

#include <sched.h>
#include <string.h>

int lockstep_allowed_processors(uint64_t words[16]) {
  cpu_set_t set;
  memset(words, 0, 16 * sizeof *words);
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  int count = 0;
  for (int i = 0; i < 1024 && i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &set)) {
      words[i / 64] |= 1ull << (i % 64);
      count++;
    }
  return count;
}
