#ifndef LOCKSTEP_CMPI_STANDARD_OUTPUT_H
#define LOCKSTEP_CMPI_STANDARD_OUTPUT_H

#include <stdio.h>
#include <stdio_ext.h>

// Swift does not let `stdout` be named, which C could change at any time.

// The bytes of its buffer; 1 or 0 where it has none.
static inline size_t lockstep_standard_output_capacity(void) { return __fbufsize(stdout); }
// Writes whole lines from now on. The buffer must live as long as the process.
static inline int lockstep_standard_output_by_lines(char *buffer, size_t size) {
  return setvbuf(stdout, buffer, _IOLBF, size);
}

#endif
