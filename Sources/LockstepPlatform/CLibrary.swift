// The one place that tells the C libraries of Linux apart: a file that calls the system imports this
// module.
#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Musl)
  @_exported import Musl
#endif
