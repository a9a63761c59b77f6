#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

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
    let bytes = count * MemoryLayout<T>.stride
    // What cannot be had is asked for first: allocating it would end the process.
    guard let probe = malloc(max(bytes, 1)) else {
      throw MPIError(
        kind: .resource, call: call, message: "there is no memory for \(bytes) bytes",
        rank: MPILibrary.worldRank)
    }
    free(probe)
    self.init(capacity: count)
    values.initialize(repeating: value)
  }

  /// A copy of an array.
  public convenience init(_ array: [T]) {
    self.init(capacity: array.count)
    _ = values.initialize(from: array)
  }

  private init(capacity: Int) {
    storage = .allocate(byteCount: max(capacity * MemoryLayout<T>.stride, 1), alignment: 64)
    values = UnsafeMutableBufferPointer(
      start: storage.bindMemory(to: T.self, capacity: capacity), count: capacity)
  }

  deinit { storage.deallocate() }

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
