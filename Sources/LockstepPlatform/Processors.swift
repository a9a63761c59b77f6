/// The processors of the machine.
package enum Processors {
  /// How many are online. Ranks beyond them share.
  package static let online = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// The numbers of those that this process may use, in order: the affinity mask that a launcher set, or
  /// all of them; none where the system does not say.
  package static var allowed: [Int] {
    // `Cpus_allowed_list:	0-3,8`
    let key = "Cpus_allowed_list:"
    let status = String(decoding: SystemFile.bytes("/proc/thread-self/status"), as: UTF8.self)
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else {
      return []
    }
    return line.dropFirst(key.count).split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0.filter(\.isNumber)) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// Whether one of those that this process may use has nothing to compute: of those that the rank is
  /// bound to, or of the machine's where ranks are not bound.
  ///
  /// - Parameters:
  ///   - threads: the computing threads of each rank.
  ///   - ranks: the ranks of the node.
  package static func areFree(besides threads: Int, ranks: Int) -> Bool {
    let own = allowed.count
    return own > 0 && own < online ? own > threads : online > ranks * threads
  }
}
