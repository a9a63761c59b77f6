#define _GNU_SOURCE
#include "allocation_count.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum { depth = 24, places = 64, shown = 6 };

static atomic_int counting;
static atomic_long own, other;
static _Thread_local int inside;

typedef struct {
  void *frames[shown];
  long count;
} place;

static place found[places];
static atomic_flag lock = ATOMIC_FLAG_INIT;
static void *program;

static int is_runtime(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  return strncmp(name, "libswift", 8) == 0 || strncmp(name, "libc.", 5) == 0 ||
         strncmp(name, "libstdc++", 9) == 0 || strncmp(name, "libFoundation", 13) == 0;
}

static void remember(void **frames, int count) {
  place new = {{0}, 1};
  for (int i = 0; i < shown && i < count; i++) new.frames[i] = frames[i];
  while (atomic_flag_test_and_set(&lock)) {
  }
  for (int i = 0; i < places; i++) {
    if (found[i].count == 0) {
      found[i] = new;
      break;
    }
    if (memcmp(found[i].frames, new.frames, sizeof new.frames) == 0) {
      found[i].count++;
      break;
    }
  }
  atomic_flag_clear(&lock);
}

// The first caller that is no runtime is the one that asked.
static void note(void) {
  if (!atomic_load_explicit(&counting, memory_order_relaxed) || inside) return;
  inside = 1;
  void *frames[depth];
  int count = backtrace(frames, depth);
  for (int i = 2; i < count; i++) {
    Dl_info info;
    if (!dladdr(frames[i], &info) || !info.dli_fname) continue;
    if (is_runtime(info.dli_fname)) continue;
    if (info.dli_fbase == program) {
      atomic_fetch_add(&own, 1);
      remember(frames + i, count - i);
    } else {
      atomic_fetch_add(&other, 1);
    }
    break;
  }
  inside = 0;
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note();
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  note();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  note();
  void *result = __libc_memalign(alignment, size);
  if (!result) return ENOMEM;
  *memory = result;
  return 0;
}

void lockstep_count_allocations(int on) {
  if (on && !program) {
    // The unwinder allocates when it is first used.
    void *frames[4];
    backtrace(frames, 4);
    Dl_info info;
    if (dladdr((void *)lockstep_count_allocations, &info)) program = info.dli_fbase;
  }
  atomic_store(&counting, on);
}

long lockstep_own_allocations(void) { return atomic_load(&own); }

long lockstep_other_allocations(void) { return atomic_load(&other); }

void lockstep_print_own_allocations(void) {
  for (int i = 0; i < places && found[i].count; i++) {
    fprintf(stderr, "%ld times at", found[i].count);
    for (int j = 0; j < shown && found[i].frames[j]; j++)
      fprintf(stderr, " %#lx", (long)((char *)found[i].frames[j] - (char *)program));
    fprintf(stderr, "\n");
  }
}
