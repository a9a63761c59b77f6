#ifndef LOCKSTEP_ALLOCATION_COUNT_H
#define LOCKSTEP_ALLOCATION_COUNT_H

// Counts a program's heap allocations by who asked for them. A program that links this has its
// malloc and kin replaced; counting is off until it is switched on.

/// Starts or stops counting, on all threads.
void lockstep_count_allocations(int on);

/// The allocations counted so far that the program's own code asked for, itself or through the
/// Swift runtime and the C library.
long lockstep_own_allocations(void);

/// The allocations that other libraries asked for: MPI's, oneDNN's.
long lockstep_other_allocations(void);

/// Writes where own allocations came from to standard error: offsets into the program, for
/// addr2line, innermost first.
void lockstep_print_own_allocations(void);

#endif
