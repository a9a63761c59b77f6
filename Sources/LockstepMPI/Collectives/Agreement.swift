internal import CMPI

// What MPI leaves undefined: ranks that call different collectives, or the same one with other
// counts, types, operations or roots. Looked for on request, since it costs an exchange a call.

/// What else must be equal on all ranks, as a number that all processes of one binary find.
enum CallDetail: Equatable {
  case none
  /// An operation, by its name.
  case operation(String)
  /// Anything else, such as the lengths of a grid.
  case number(Int64)

  /// A number of a list of numbers.
  static func number(of values: [Int]) -> CallDetail { .number(hash(values)) }

  /// FNV-1a, 64 bits: equal in all processes, other than Swift's hash values.
  static func hash(_ values: [Int]) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for value in values {
      for shift in stride(from: 0, to: 64, by: 8) {
        hash = (hash ^ UInt64(truncatingIfNeeded: value >> shift) & 0xff) &* 0x100_0000_01b3
      }
    }
    return Int64(bitPattern: hash)
  }
}

extension MPICommunicator {
  /// What one rank is about to call, in 96 bytes.
  private struct Claim: Equatable, BitwiseCopyable {
    var name = Text()
    var operation = Text()
    var count: Int64
    var root: Int64
    var layout: Int64
    var number: Int64

    init(_ call: String, count: Int, root: Int, layout: MPILayout?, detail: CallDetail) {
      self.count = Int64(count)
      self.root = Int64(root)
      self.layout = layout?.identity ?? 0
      name = Text(call)
      if case .operation(let text) = detail { operation = Text(text) }
      if case .number(let value) = detail { number = value } else { number = 0 }
    }

    var description: String {
      name.string + (count < 0 ? "" : " with \(count) values")
        + (operation.isEmpty ? "" : ", operation \(operation.string)")
        + (root < 0 ? "" : ", root \(root)")
    }

    /// What differs where the description does not say it.
    func unsaid(_ other: Claim) -> String {
      if description != other.description { return "" }
      return number == other.number ? " of another type" : " with other arguments"
    }
  }

  /// The first 32 bytes of a text.
  private struct Text: Equatable, BitwiseCopyable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0
    private var fourth: UInt64 = 0

    init() {}

    init(_ text: String) {
      withUnsafeMutableBytes(of: &self) { bytes in
        for (index, byte) in text.utf8.prefix(bytes.count).enumerated() { bytes[index] = byte }
      }
    }

    var isEmpty: Bool { first == 0 }

    var string: String {
      withUnsafeBytes(of: self) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
  }

  /// Where ``checksAgreement`` is set, throws on every rank unless all ranks make the same call.
  ///
  /// - Parameters:
  ///   - count: the number of values, where it must be equal on all ranks, else -1.
  ///   - root: the root, where there is one, else -1.
  ///   - detail: the operation, or what else must be equal.
  func requireAgreement(
    _ call: String, count: Int = -1, root: Int = -1, layout: MPILayout? = nil,
    detail: @autoclosure () -> CallDetail = .none
  ) throws(MPIError) {
    guard checksAgreement else { return }
    let own = Claim(call, count: count, root: root, layout: layout, detail: detail())
    let bytes = Int32(MemoryLayout<Claim>.size)
    var claims = [Claim](repeating: own, count: size)
    let type = lockstep_mpi_type_byte()
    let code = withUnsafeBytes(of: own) { own in
      claims.withUnsafeMutableBytes { all in
        lockstep_mpi_allgather(
          own.baseAddress, bytes, type, all.baseAddress, bytes, type, handle)
      }
    }
    try check("MPI_Allgather", code)
    guard let other = claims.firstIndex(where: { $0 != claims[0] }) else { return }
    throw argumentError(
      call,
      """
      the ranks do not agree: rank 0 calls \(claims[0].description), rank \(other) calls \
      \(claims[other].description)\(claims[0].unsaid(claims[other]))
      """)
  }
}

extension MPILayout {
  /// A number that is equal in all processes of one binary, other than a hash value.
  fileprivate var identity: Int64 {
    switch kind {
    case .bytes(let count): 1000 + Int64(count)
    case .bool: 1
    case .int8: 2
    case .int16: 3
    case .int32: 4
    case .int64: 5
    case .uint8: 6
    case .uint16: 7
    case .uint32: 8
    case .uint64: 9
    case .float: 10
    case .double: 11
    case .bfloat16: 12
    case .int16Index: 13
    case .int32Index: 14
    case .int64Index: 15
    case .floatIndex: 16
    case .doubleIndex: 17
    case .fields(let fields):
      CallDetail.hash(fields.flatMap { [$0.offset, Int($0.layout.identity)] } + [memoryBytes])
    case .invalid: 0
    }
  }
}
