#include "lockstep_kernels.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Comparisons.

// Whether a takes b's place.
static inline int beats(float a, float b, int smallest) {
  return smallest ? a < b : a > b;
}

static inline float better(float a, float b, int smallest) {
  return beats(a, b, smallest) || a != a ? a : b;
}

void lockstep_extremum(float *y, const float *x, size_t outer, size_t count, size_t inner,
                       int smallest) {
  for (size_t o = 0; o < outer; o++, x += count * inner, y += inner) {
    memcpy(y, x, inner * sizeof(float));
    for (size_t k = 1; k < count; k++)
      for (size_t i = 0; i < inner; i++) y[i] = better(x[k * inner + i], y[i], smallest);
  }
}

void lockstep_extremum_share(float *w, const float *x, const float *y, size_t outer, size_t count,
                             size_t inner) {
  for (size_t o = 0; o < outer; o++, x += count * inner, w += count * inner, y += inner) {
    for (size_t i = 0; i < inner; i++) {
      size_t equal = 0;
      for (size_t k = 0; k < count; k++) equal += x[k * inner + i] == y[i];
      // 0 / 0 where nothing is equal, which is so for a NaN.
      for (size_t k = 0; k < count; k++)
        w[k * inner + i] = (x[k * inner + i] == y[i] ? 1.0f : 0.0f) / (float)equal;
    }
  }
}

void lockstep_pair_extremum(float *y, const float *a, const float *b, size_t n, int smallest) {
  for (size_t i = 0; i < n; i++) y[i] = better(a[i], b[i], smallest);
}

void lockstep_pair_extremum_share(float *w, const float *a, const float *b, size_t n,
                                  int smallest) {
  for (size_t i = 0; i < n; i++)
    w[i] = beats(b[i], a[i], smallest) ? 0.0f : a[i] == b[i] ? 0.5f : 1.0f;
}

void lockstep_masked_fill(float *y, const float *x, const void *mask, int is_integer, float value,
                          size_t repeats, size_t n) {
  const float *floats = mask;
  const int32_t *integers = mask;
  for (size_t r = 0; r < repeats; r++, x += n, y += n) {
    if (is_integer)
      for (size_t i = 0; i < n; i++) y[i] = integers[i] != 0 ? value : x[i];
    else
      for (size_t i = 0; i < n; i++) y[i] = floats[i] != 0 ? value : x[i];
  }
}

// Powers, in double.

// The natural logarithm of a positive finite float.
static double logarithm(float x) {
  const double wide = x;
  uint64_t bits;
  memcpy(&bits, &wide, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  // log m = 2 artanh s, |s| < 0.172.
  const double s = (m - 1) / (m + 1), z = s * s;
  double p = 1.0 / 19;
  for (int k = 17; k > 0; k -= 2) p = p * z + 1.0 / k;
  return 2 * s * p + exponent * 0.69314718055994530942;
}

// e^x for finite x, at least for what a float can be; 0 below, an infinity above.
static double exponential(double x) {
  if (x < -150) return 0;
  if (x > 150) return __builtin_inf();
  const double round = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  const double n = (x * 1.44269504088896340736 + round) - round;
  const double r = x - n * 0.69314718055994530942;
  double p = 1;
  for (int k = 13; k > 0; k--) p = p * r / k + 1;
  const uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return p * power;
}

static float power(float x, float exponent) {
  if (exponent == 0 || x == 1) return 1;
  if (x != x || exponent != exponent) return __builtin_nanf("");
  const float size = __builtin_fabsf(x), steps = __builtin_fabsf(exponent);
  // From 2^24 on every float is an even integer.
  const int is_integer = steps >= 16777216.0f || (float)(int32_t)steps == steps;
  const int is_odd = is_integer && steps < 16777216.0f && ((int32_t)steps & 1);
  double result;
  if (x < 0 && !is_integer && size < __builtin_inff()) return __builtin_nanf("");
  if (size == 1)
    result = 1;
  else if (size == 0 || size == __builtin_inff() || steps == __builtin_inff())
    result = (size < 1) == (exponent > 0) ? 0 : __builtin_inf();
  else
    result = exponential((double)exponent * logarithm(size));
  return (float)(__builtin_signbit(x) && is_odd ? -result : result);
}

void lockstep_power(float *y, const float *x, float exponent, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = power(x[i], exponent);
}

// Sines, in double.

// 2 / pi: 224 bits behind the point.
static const uint32_t two_over_pi[7] = {0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0,
                                        0xDB629599, 0x3C439041, 0xFE5163AB};

// x in quarters of a turn: the nearest integer of them, modulo 4, and what is left, in -1/2...1/2.
static double quarters(float x, int *quadrant) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const int exponent = (int)((bits >> 23) & 255) - 150;  // |x| = mantissa 2^exponent
  double rest;
  if (exponent < 3) {
    // |x| < 2^26: 2 / pi in two parts, of which the first has 29 bits, so that its product is exact.
    const double high = 0x1.45f306cp-1, low = 0x1.c9c882a53f84fp-29;
    const double round = 6755399441055744.0;
    const double first = (double)x * high;
    const double n = (first + round) - round;
    rest = (first - n) + (double)x * low;
    *quadrant = (int)((int64_t)n & 3);
    return rest;
  }
  // 96 bits of 2 / pi behind those that only add whole turns.
  const int skipped = exponent - 2;
  unsigned __int128 window = 0;
  for (int word = 0; word < 4; word++) {
    const int index = skipped / 32 + word;
    window = window << 32 | (index < 7 ? two_over_pi[index] : 0);
  }
  window = (window << (skipped % 32)) >> 32;
  const uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
  // In units of 2^-94 quarters; what is above 2^96 are whole turns.
  const unsigned __int128 product = window * mantissa;
  const unsigned __int128 turn = (unsigned __int128)1 << 96;
  unsigned __int128 part = product & (turn - 1);
  const unsigned __int128 nearest = (part + ((unsigned __int128)1 << 93)) >> 94;
  const __int128 left = (__int128)part - (__int128)(nearest << 94);
  rest = (double)left * 0x1p-94;
  *quadrant = (int)(nearest & 3);
  if (bits >> 31) {
    rest = -rest;
    *quadrant = -*quadrant & 3;
  }
  return rest;
}

static float sinusoid(float x, int is_cosine) {
  if (!(__builtin_fabsf(x) < __builtin_inff())) return __builtin_nanf("");
  int quadrant;
  const double turn = quarters(x, &quadrant);
  const double r = turn * 1.57079632679489661923, z = r * r;
  quadrant += is_cosine;
  double p = 1;
  if (quadrant & 1) {
    for (int k = 16; k > 0; k -= 2) p = 1 - p * z / (k * (k - 1));
  } else {
    for (int k = 17; k > 1; k -= 2) p = 1 - p * z / (k * (k - 1));
    p *= r;
  }
  return (float)(quadrant & 2 ? -p : p);
}

void lockstep_sinusoid(float *y, const float *x, size_t n, int is_cosine) {
  for (size_t i = 0; i < n; i++) y[i] = sinusoid(x[i], is_cosine);
}

// Adaptive pooling.

static inline size_t first(size_t window, size_t size, size_t count) {
  return window * size / count;
}
static inline size_t behind(size_t window, size_t size, size_t count) {
  return ((window + 1) * size + count - 1) / count;
}

void lockstep_adaptive_average(float *y, const float *x, const lockstep_adaptive_pooling *shape) {
  const lockstep_adaptive_pooling s = *shape;
  for (size_t plane = 0; plane < s.planes; plane++, x += s.height * s.width) {
    for (size_t row = 0; row < s.rows; row++) {
      const size_t top = first(row, s.height, s.rows), bottom = behind(row, s.height, s.rows);
      for (size_t column = 0; column < s.columns; column++) {
        const size_t left = first(column, s.width, s.columns);
        const size_t right = behind(column, s.width, s.columns);
        double sum = 0;
        for (size_t r = top; r < bottom; r++)
          for (size_t c = left; c < right; c++) sum += x[r * s.width + c];
        *y++ = (float)(sum / (double)((bottom - top) * (right - left)));
      }
    }
  }
}

void lockstep_adaptive_average_gradient(float *dx, const float *dy,
                                        const lockstep_adaptive_pooling *shape) {
  const lockstep_adaptive_pooling s = *shape;
  memset(dx, 0, s.planes * s.height * s.width * sizeof(float));
  for (size_t plane = 0; plane < s.planes; plane++, dx += s.height * s.width) {
    for (size_t row = 0; row < s.rows; row++) {
      const size_t top = first(row, s.height, s.rows), bottom = behind(row, s.height, s.rows);
      for (size_t column = 0; column < s.columns; column++) {
        const size_t left = first(column, s.width, s.columns);
        const size_t right = behind(column, s.width, s.columns);
        const float part = *dy++ / (float)((bottom - top) * (right - left));
        for (size_t r = top; r < bottom; r++)
          for (size_t c = left; c < right; c++) dx[r * s.width + c] += part;
      }
    }
  }
}
