/// The system's table of processes.
package enum ProcessTable {
  /// The numbers of all processes that this one may see.
  package static var processes: [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let process = Int32(name) { found.append(process) }
    }
    return found
  }

  /// The process that has started another one; nil where that is gone.
  package static func parent(of process: Int32) -> Int32? {
    // `4242 (name) S 1 …`, where the name may hold anything.
    let text = String(decoding: SystemFile.bytes("/proc/\(process)/stat"), as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].split(separator: " ")
    return fields.count > 2 ? Int32(fields[2]) : nil
  }

  /// The processes that a process has started, and those that they have started.
  package static func descendants(of process: Int32) -> [Int32] {
    let parents = processes.map { ($0, parent(of: $0)) }
    var found: Set<Int32> = [process]
    var count = 0
    while count < found.count {
      count = found.count
      for (child, parent) in parents {
        if let parent, found.contains(parent) { found.insert(child) }
      }
    }
    return found.subtracting([process]).sorted()
  }
}
