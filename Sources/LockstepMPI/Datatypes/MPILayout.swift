/// How a value lies in memory, as MPI needs to know it.
public struct MPILayout: Sendable, Hashable {
  enum Kind: Hashable {
    case bool
    case int8, int16, int32, int64
    case uint8, uint16, uint32, uint64
    case float, double, bfloat16
    case int16Index, int32Index, int64Index, floatIndex, doubleIndex
    case bytes(Int)
    /// Fields at their offsets in bytes.
    case fields([Field])
    /// No layout, for a reason that the first call tells.
    case invalid(String)
  }
  struct Field: Hashable {
    let offset: Int
    let layout: MPILayout
  }
  let kind: Kind
  /// The bytes from one value in memory to the next.
  let memoryBytes: Int

  /// The layout of a value that lies in memory as it travels.
  init(kind: Kind) {
    self.kind = kind
    memoryBytes = Self.messageBytes(kind)
  }

  /// The layout of a value that has padding in memory.
  init<Value>(kind: Kind, of type: Value.Type) {
    self.kind = kind
    memoryBytes = MemoryLayout<Value>.stride
  }

  /// The layout of a plain value whose memory is copied byte by byte.
  public static func bytes<Value: BitwiseCopyable>(of type: Value.Type) -> MPILayout {
    MPILayout(kind: .bytes(MemoryLayout<Value>.stride))
  }

  /// The bytes of one value in a message, without the padding that memory has.
  var messageBytes: Int { Self.messageBytes(kind) }

  private static func messageBytes(_ kind: Kind) -> Int {
    switch kind {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .bfloat16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    case .int16Index: 6
    case .int32Index, .floatIndex: 8
    case .int64Index, .doubleIndex: 12
    case .bytes(let count): count
    case .fields(let fields): fields.reduce(0) { $0 + $1.layout.messageBytes }
    case .invalid: 1
    }
  }
}
