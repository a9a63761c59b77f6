internal import CMPI

// What MPI leaves undefined: ranks that call different collectives, or the same one with other
// counts, types or roots. Looked for on request, since it costs an exchange a call.

extension MPICommunicator {
  /// What one rank is about to call, in 64 bytes.
  private struct Claim: Equatable, BitwiseCopyable {
    var name: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var count: Int64
    var root: Int64
    var layout: Int64
    var reserved: Int64 = 0

    init(_ call: String, count: Int, root: Int, layout: MPILayout?) {
      self.count = Int64(count)
      self.root = Int64(root)
      self.layout = layout?.identity ?? 0
      withUnsafeMutableBytes(of: &name) { bytes in
        for (index, byte) in call.utf8.prefix(bytes.count).enumerated() { bytes[index] = byte }
      }
    }

    var call: String {
      withUnsafeBytes(of: name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    static func == (left: Claim, right: Claim) -> Bool {
      left.name == right.name && left.count == right.count && left.root == right.root
        && left.layout == right.layout
    }

    var description: String {
      call + (count < 0 ? "" : " with \(count) values") + (root < 0 ? "" : ", root \(root)")
    }
  }

  /// Where ``checksAgreement`` is set, throws on every rank unless all ranks make the same call.
  ///
  /// - Parameters:
  ///   - count: the number of values, where it must be equal on all ranks, else -1.
  ///   - root: the root, where there is one, else -1.
  func requireAgreement(
    _ call: String, count: Int = -1, root: Int = -1, layout: MPILayout? = nil
  ) throws(MPIError) {
    guard checksAgreement else { return }
    let own = Claim(call, count: count, root: root, layout: layout)
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
    let kind = claims[other].description == claims[0].description ? " of another type" : ""
    throw argumentError(
      call,
      """
      the ranks do not agree: rank 0 calls \(claims[0].description), rank \(other) calls \
      \(claims[other].description)\(kind)
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
    }
  }
}
