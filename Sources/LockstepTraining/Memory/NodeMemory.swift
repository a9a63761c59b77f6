import LockstepPlatform

/// The memory that a node and a process still have.
package struct NodeMemory: Sendable, Equatable {
  /// The bytes that all processes of the node, or of the container, can still take together.
  package var node: Int
  /// What limits the node: its memory, or the container's limit.
  package var limit: String
  /// The bytes that this process can still take, by the limit of its address space; nil for no limit.
  package var process: Int?

  /// A node with so many bytes left.
  package init(node: Int, limit: String, process: Int? = nil) {
    self.node = node
    self.limit = limit
    self.process = process
  }

  /// What there is now. `MemAvailable`, the memory limits of the process's control groups, and
  /// `RLIMIT_AS` count.
  package static func now() -> NodeMemory { read(root: "") }

  /// - Parameter root: where `/proc` and `/sys` are, for tests.
  package static func read(root: String) -> NodeMemory {
    var memory = NodeMemory(node: .max, limit: "the machine's memory")
    if let available = field("MemAvailable:", of: "\(root)/proc/meminfo") {
      memory.node = available << 10
    }
    for group in groups(root) {
      guard let most = number("\(group.path)/\(group.limit)"),
        let used = number("\(group.path)/\(group.usage)")
      else { continue }
      // Files that were read and can be forgotten count as used.
      let idle = field(group.idle, of: "\(group.path)/memory.stat") ?? 0
      let left = max(most - max(used - idle, 0), 0)
      if left < memory.node {
        memory.node = left
        memory.limit = "the memory limit of the control group \(group.path)"
      }
    }
    memory.process = addressSpace(root)
    return memory
  }

  private struct Group {
    let path: String
    var limit = "memory.max"
    var usage = "memory.current"
    var idle = "inactive_file"
  }

  /// The process's control groups and those above them, of version 2 and of version 1.
  private static func groups(_ root: String) -> [Group] {
    var groups: [Group] = []
    for line in lines("\(root)/proc/self/cgroup") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[1].isEmpty
      guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
      let base = "\(root)/sys/fs/cgroup" + (isUnified ? "" : "/memory")
      var path = String(parts[2])
      while true {
        // Inside a container the path may be one that only the host has.
        let folder = path == "/" ? base : base + path
        groups.append(
          isUnified
            ? Group(path: folder)
            : Group(
              path: folder, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
              idle: "total_inactive_file"))
        guard path != "/", !path.isEmpty, let slash = path.lastIndex(of: "/") else { break }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
      }
    }
    return groups
  }

  private static func addressSpace(_ root: String) -> Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      let most = Int(exactly: limit.rlim_cur)
    else { return nil }
    let pages = lines("\(root)/proc/self/statm").first?.split(separator: " ").first
    return max(most - (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE)), 0)
  }

  private static func lines(_ path: String) -> [Substring] {
    String(decoding: SystemFile.bytes(path), as: UTF8.self).split(separator: "\n")
  }

  /// The number in a file; nil for `max`, and where there is none.
  private static func number(_ path: String) -> Int? { lines(path).first.flatMap { Int($0) } }

  /// The number behind a name.
  private static func field(_ name: String, of path: String) -> Int? {
    for line in lines(path) {
      let words = line.split { $0 == " " || $0 == "\t" }
      if words.count > 1, words[0] == name { return Int(words[1]) }
    }
    return nil
  }
}
