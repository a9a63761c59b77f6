import LockstepPlatform

/// Values at an address that stays, for operations that outlast a call.
///
/// ``MPIRequestScope/pin(_:)-(MPIBuffer<T>)`` keeps the buffer alive until the operations that use
/// it have finished. The values start at a multiple of 64 bytes.
public final class MPIBuffer<T: MPIDatatype> {
  /// The values. The pointer is valid while the buffer lives.
  public let values: UnsafeMutableBufferPointer<T>

  private let storage: UnsafeMutableRawPointer

  /// `count` times one value.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where the count is negative or more than memory can be
  ///   asked for, `resource` where there is not so much memory.
  public convenience init(repeating value: T, count: Int) throws(MPIError) {
    let call = "MPIBuffer.init"
    try requireCount(call, count, of: T.self)
    guard let storage = Self.allocate(count) else {
      throw MPIError(
        kind: .resource, call: call,
        message: "there is no memory for \(count * MemoryLayout<T>.stride) bytes",
        rank: WorldRank.known)
    }
    self.init(storage, count)
    values.initialize(repeating: value)
  }

  /// A copy of an array.
  public convenience init(_ array: [T]) {
    guard let storage = Self.allocate(array.count) else {
      // As any copy of an array ends where there is no memory.
      fatalError("out of memory: a copy of \(array.count) values")
    }
    self.init(storage, array.count)
    _ = values.initialize(from: array)
  }

  private init(_ storage: UnsafeMutableRawPointer, _ count: Int) {
    self.storage = storage
    values = UnsafeMutableBufferPointer(
      start: storage.bindMemory(to: T.self, capacity: count), count: count)
  }

  private static func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
    aligned_alloc(64, (max(count * MemoryLayout<T>.stride, 1) + 63) / 64 * 64)
  }

  deinit { free(storage) }

  /// The number of values.
  public var count: Int { values.count }

  /// One value.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where there is no such index. ``values`` are not checked.
  public subscript(index: Int) -> T {
    get throws(MPIError) {
      try requireIndex(index)
      return values[index]
    }
  }

  /// Sets one value.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where there is no such index. ``values`` are not checked.
  public func set(_ value: T, at index: Int) throws(MPIError) {
    try requireIndex(index)
    values[index] = value
  }

  private func requireIndex(_ index: Int) throws(MPIError) {
    guard values.indices.contains(index) else {
      throw argumentError("MPIBuffer", "index \(index) is not in 0..<\(count)")
    }
  }

  /// A copy of the values.
  public var array: [T] { Array(values) }
}
