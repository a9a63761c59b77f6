#ifndef LOCKSTEP_CMPI_SHIM_H
#define LOCKSTEP_CMPI_SHIM_H

// MPI for Swift. Handles, datatypes and operations of MPI are macros (in Open MPI over addresses of
// globals, in MPICH over integers), which Swift does not import; so each handle is wrapped in a
// struct of one member and each call in a function. Nothing here holds state.

#include "handles.h"
#include "types.h"
#include "point_to_point.h"
#include "collectives.h"
#include "nonblocking_collectives.h"
#include "persistent_collectives.h"
#include "topology.h"
#include "groups.h"
#include "info.h"
#include "window.h"
#include "one_sided.h"
#include "atomics.h"
#include "standard_output.h"

#endif
