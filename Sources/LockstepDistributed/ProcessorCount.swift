#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How many processors this process may use.
enum ProcessorCount {
  /// The processors that are online: ranks beyond them share.
  static let available = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
