// oneDNN behind one small, version-neutral set of functions.
//
// oneDNN has two C interfaces, and v2.h and v3.h are all that differs between them here. All
// functions return 0 or a dnnl_status_t; handles are opaque to the caller.
#ifndef LOCKSTEP_CONEDNN_SHIM_H
#define LOCKSTEP_CONEDNN_SHIM_H

#include <dnnl.h>

#include "types.h"

#if DNNL_VERSION_MAJOR == 2
#include "v2.h"
#elif DNNL_VERSION_MAJOR == 3
#include "v3.h"
#else
#error "this is neither oneDNN 2 nor 3: beside v2.h and v3.h it needs a header of its own"
#endif

#include "layouts.h"
#include "library.h"
#include "primitives.h"

#endif
