internal import CMPI

// An operation on this rank's values alone. Source: MPI 3.1, section 5.9.7 (`MPI_Reduce_local`).

extension MPIReduction {
  /// `right[i]` becomes left[i] ∘ right[i], on this rank alone.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where the buffers differ in length or overlap.
  public func combine(
    _ left: UnsafeBufferPointer<Element>, into right: UnsafeMutableBufferPointer<Element>
  ) throws(MPIError) {
    let call = "MPI_Reduce_local"
    try MPILibrary.requireReady(call)
    guard left.count == right.count else {
      throw argumentError(call, "\(left.count) values cannot be combined with \(right.count)")
    }
    if let from = left.baseAddress, let to = right.baseAddress {
      guard from + left.count <= UnsafePointer(to) || UnsafePointer(to) + right.count <= from else {
        throw argumentError(call, "the two buffers overlap")
      }
    }
    let type = try typeHandle(Element.self, call)
    let operation = try handle()
    var offset = 0
    while offset < left.count {
      let count = min(left.count - offset, Int(Int32.max))
      let bytes = offset * MemoryLayout<Element>.stride
      try check(
        call,
        lockstep_mpi_reduce_local(
          address(left) + bytes, address(right) + bytes, Int32(count), type, operation))
      offset += count
    }
    withExtendedLifetime(self) {}
  }

  /// left[i] ∘ right[i] for each i, on this rank alone; throws as ``combine(_:into:)``.
  public func combine(_ left: [Element], _ right: [Element]) throws(MPIError) -> [Element] {
    var result = right
    try left.withUnsafeBufferPointer { (left) throws(MPIError) in
      try result.withUnsafeMutableBufferPointer { (right) throws(MPIError) in
        try combine(left, into: right)
      }
    }
    return result
  }
}
