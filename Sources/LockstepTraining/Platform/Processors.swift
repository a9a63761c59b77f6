import LockstepEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Processors {
  /// Whether one of those that this process may use has nothing to compute: of those that the rank is
  /// bound to, or of the machine's where ranks are not bound.
  ///
  /// - Parameters:
  ///   - threads: the computing threads of each rank.
  ///   - ranks: the ranks of the node.
  static func areFree(besides threads: Int, ranks: Int) -> Bool {
    let online = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let own = allowed.count
    return own > 0 && own < online ? own > threads : online > ranks * threads
  }
}
