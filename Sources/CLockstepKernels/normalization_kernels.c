#include "lockstep_kernels.h"
#include "lanes.h"

typedef int64_t l16v __attribute__((ext_vector_type(16)));

// Part of a vector: a full one and one of 8 lanes without a call, where `lanes` is known.
#define TAKE(p, lanes) ((lanes) == LANES ? LOAD(p) : LOAD_PART(p, lanes))
#define PUT(p, x, lanes) \
  do { if ((lanes) == LANES) STORE(p, x); else STORE_PART(p, x, lanes); } while (0)
#define DOUBLE(x) __builtin_convertvector((x), d16v)

// Calls DO(lanes) with a constant for the widths that layouts have.
#define WITH_LANES(lanes) \
  do { if ((lanes) == LANES) DO(LANES); else if ((lanes) == 8) DO(8); else DO(lanes); } while (0)

// Up to 16 channels side by side: the first one, how many with what pads the last group and without,
// and where they begin in an example.
typedef struct {
  size_t first, lanes, valid, start;
} channel_slice;

static inline size_t slices_of_group(const lockstep_channels *s) {
  return (s->width + LANES - 1) / LANES;
}

static inline size_t groups_of(const lockstep_channels *s) {
  return (s->channels + s->width - 1) / s->width;
}

static inline size_t slice_count(const lockstep_channels *s) {
  return groups_of(s) * slices_of_group(s);
}

static inline channel_slice slice_at(const lockstep_channels *s, size_t index) {
  const size_t group = index / slices_of_group(s), w = index % slices_of_group(s) * LANES;
  channel_slice t;
  t.first = group * s->width + w;
  t.lanes = s->width - w < LANES ? s->width - w : LANES;
  const size_t rest = t.first < s->channels ? s->channels - t.first : 0;
  t.valid = rest < t.lanes ? rest : t.lanes;
  t.start = group * s->points * s->width + w;
  return t;
}

// From one example to the next.
static inline size_t stride_of(const lockstep_channels *s) {
  return groups_of(s) * s->points * s->width;
}

#define KERNELS "normalization_kernels.inc"
#include "instantiate.h"

const lockstep_normalization_kernels *lockstep_normalization_kernels_for(lockstep_isa isa) {
  return SELECT_TABLE(isa, normalization_table);
}
