/// Values at an address that stays, for operations that outlast a call.
///
/// ``MPIRequestScope/pin(_:)-(MPIBuffer<T>)`` keeps the buffer alive until the operations that use
/// it have finished. The values start at a multiple of 64 bytes.
public final class MPIBuffer<T: MPIDatatype> {
  /// The values. The pointer is valid while the buffer lives.
  public let values: UnsafeMutableBufferPointer<T>

  private let storage: UnsafeMutableRawPointer

  /// `count` times one value.
  public convenience init(repeating value: T, count: Int) {
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
  public subscript(index: Int) -> T {
    get {
      precondition(values.indices.contains(index), "index out of range")
      return values[index]
    }
    set {
      precondition(values.indices.contains(index), "index out of range")
      values[index] = newValue
    }
  }

  /// A copy of the values.
  public var array: [T] { Array(values) }
}
