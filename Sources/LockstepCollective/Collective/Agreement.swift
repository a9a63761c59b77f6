/// Says that *another* rank failed. The rank that failed throws what happened, and that is the
/// error to report.
package protocol SecondHandError: Error {}

/// What rank 0 could not do, as the other ranks see it.
package struct RootFailure: SecondHandError, Equatable, CustomStringConvertible {
  /// Rank 0's error, in words.
  package let reason: String
  package var description: String { reason }
}

/// Another rank could not do its part.
package struct PeerFailure: SecondHandError, Equatable, CustomStringConvertible {
  /// The lowest rank that failed.
  package let rank: Int
  /// Its error, in words.
  package let reason: String
  package var description: String { "rank \(rank): \(reason)" }

  package init(rank: Int, reason: String) {
    self.rank = rank
    self.reason = reason
  }
}

extension Collective {
  /// Whether this is the rank that reads, writes and speaks.
  public var isRoot: Bool { rank == 0 }

  /// Runs `body` on rank 0 alone and gives its bytes to all ranks. Called by all ranks.
  ///
  /// - Throws: on rank 0 what `body` throws, and ``RootFailure`` with the same words on all others,
  ///   so that no rank goes on where rank 0 could not.
  package func fromRoot(_ body: () throws -> [UInt8]) throws -> [UInt8] {
    if size == 1 { return try body() }
    var bytes: [UInt8] = []
    var failure: (any Error)?
    if isRoot {
      do { bytes = try body() } catch {
        failure = error
        bytes = Array("\(error)".utf8)
      }
    }
    var failed: UInt8 = failure == nil ? 0 : 1
    try withUnsafeMutableBytes(of: &failed) { try broadcast($0, root: 0) }
    bytes = try broadcast(bytes, root: 0)
    if let failure { throw failure }
    if failed != 0 { throw RootFailure(reason: String(decoding: bytes, as: UTF8.self)) }
    return bytes
  }

  /// Throws on all ranks where one has an error. Called by all ranks.
  ///
  /// - Throws: `failure` on a rank that has one, ``PeerFailure`` with the first one's words on the
  ///   others.
  package func throwOnAll(_ failure: (any Error)?) throws {
    if size == 1 {
      if let failure { throw failure }
      return
    }
    let failed = try allgather(UInt8(failure == nil ? 0 : 1))
    guard let rank = failed.firstIndex(of: 1) else { return }
    let reason = try broadcast(failure.map { Array("\($0)".utf8) } ?? [], root: rank)
    throw failure ?? PeerFailure(rank: rank, reason: String(decoding: reason, as: UTF8.self))
  }

  /// The root's bytes, of whatever number, on all ranks. Called by all ranks.
  public func broadcast(_ bytes: [UInt8], root: Int) throws -> [UInt8] {
    var count = Int64(bytes.count)
    try withUnsafeMutableBytes(of: &count) { try broadcast($0, root: root) }
    var bytes = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
    if count > 0 { try bytes.withUnsafeMutableBytes { try broadcast($0, root: root) } }
    return bytes
  }

  /// Runs `body` on rank 0 alone; all ranks throw where it does. Called by all ranks.
  package func onRoot(_ body: () throws -> Void) throws {
    _ = try fromRoot {
      try body()
      return []
    }
  }

  /// One value of each rank, in rank order. Called by all ranks.
  public func allgather<Value: BitwiseCopyable>(_ value: Value) throws -> [Value] {
    let counts = Array(repeating: MemoryLayout<Value>.size, count: size)
    let packed = try withUnsafeBytes(of: value) { mine in
      var bytes = [UInt8](repeating: 0, count: mine.count * size)
      try bytes.withUnsafeMutableBytes { try allgather(mine, counts: counts, into: $0) }
      return bytes
    }
    return packed.withUnsafeBytes { bytes in
      (0..<size).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.size, as: Value.self)
      }
    }
  }
}
