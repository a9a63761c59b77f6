/// What the system says of a process of this machine.
package enum ProcessState: Equatable {
  case running, stopped, ended

  /// Looks a process up.
  package init(_ process: Int32) {
    let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      self = kill(process, 0) != 0 && errno == ESRCH ? .ended : .running
      return
    }
    defer { close(file) }
    let state = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { buffer -> UInt8? in
      let count = read(file, buffer.baseAddress, buffer.count)
      guard count > 0 else { return nil }
      // `4242 (name) S …`, where the name may hold anything.
      guard let end = buffer[..<count].lastIndex(of: UInt8(ascii: ")")), end + 2 < count else {
        return nil
      }
      return buffer[end + 2]
    }
    switch state {
    case UInt8(ascii: "T"), UInt8(ascii: "t"): self = .stopped
    case UInt8(ascii: "Z"), UInt8(ascii: "X"): self = .ended
    default: self = .running
    }
  }
}
