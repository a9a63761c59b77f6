internal import CMPI

/// How the values of all ranks become one.
///
/// ```swift
/// let total = try world.allreduce(loss, .sum)
/// let best = try world.allreduce(MPIIndexed(loss, index: world.rank), .minimumLocation)
/// let product = try world.allreduce(matrix, .custom(commutative: false) { $0 * $1 })
/// ```
///
/// MPI promises no order of additions: floating-point sums may differ in their last bits with the
/// number of ranks and from library to library. Source: MPI 3.1, section 5.9.
public struct MPIReduction<Element: MPIDatatype>: Sendable {
  enum Storage: Sendable {
    case builtin(BuiltinOperation)
    case user(UserOperation)
  }
  let storage: Storage

  private static func builtin(_ operation: BuiltinOperation) -> Self {
    Self(storage: .builtin(operation))
  }

  /// The handle of MPI's operation. The library must be ready.
  func handle() throws(MPIError) -> lockstep_mpi_op {
    switch storage {
    case .builtin(let operation):
      if Element.mpiLayout.kind == .bfloat16 { return try MPIRegistry.shared.bfloat16(operation) }
      return operation.handle
    case .user(let operation):
      return try operation.handle()
    }
  }

  /// What ranks are told that do not agree on it. Two of the user's own cannot be told apart.
  var name: String {
    switch storage {
    case .builtin(let operation): "\(operation)"
    case .user(let operation):
      operation.isCommutative ? "user-defined" : "user-defined, not commutative"
    }
  }

  /// What must live until the operation has finished.
  var owner: UserOperation? {
    if case .user(let operation) = storage { operation } else { nil }
  }
}

extension MPIReduction where Element: MPINumber {
  /// a + b; integers wrap around.
  public static var sum: Self { builtin(.sum) }
  /// a · b; integers wrap around.
  public static var product: Self { builtin(.product) }
  /// The lesser of a and b.
  public static var minimum: Self { builtin(.minimum) }
  /// The greater of a and b.
  public static var maximum: Self { builtin(.maximum) }
}

extension MPIReduction where Element: MPIInteger {
  /// 1 where neither is 0, else 0.
  public static var logicalAnd: Self { builtin(.logicalAnd) }
  /// 1 where one or both are not 0, else 0.
  public static var logicalOr: Self { builtin(.logicalOr) }
  /// 1 where exactly one is not 0, else 0.
  public static var logicalXor: Self { builtin(.logicalXor) }
  /// a & b
  public static var bitwiseAnd: Self { builtin(.bitwiseAnd) }
  /// a | b
  public static var bitwiseOr: Self { builtin(.bitwiseOr) }
  /// a ^ b
  public static var bitwiseXor: Self { builtin(.bitwiseXor) }
}

extension MPIReduction where Element == Bool {
  /// a && b
  public static var logicalAnd: Self { builtin(.logicalAnd) }
  /// a || b
  public static var logicalOr: Self { builtin(.logicalOr) }
  /// a != b
  public static var logicalXor: Self { builtin(.logicalXor) }
}

extension MPIReduction where Element: MPIPair {
  /// The pair with the least value; of equal ones, the lowest index.
  public static var minimumLocation: Self { builtin(.minimumLocation) }
  /// The pair with the greatest value; of equal ones, the lowest index.
  public static var maximumLocation: Self { builtin(.maximumLocation) }
}

extension MPIReduction {
  /// A user's own operation on two values, the first from the lower rank.
  ///
  /// - Parameters:
  ///   - commutative: whether MPI may exchange the operands. It always assumes that the operation
  ///     is associative.
  ///   - combine: the operation. It must not call MPI.
  /// - Throws: ``MPIError`` of kind `resource` where as many operations as there are slots live already.
  public static func custom(
    commutative: Bool, _ combine: @escaping @Sendable (Element, Element) -> Element
  ) throws(MPIError) -> Self {
    try customRuns(commutative: commutative) { left, right in
      for index in right.indices { right[index] = combine(left[index], right[index]) }
    }
  }

  /// A user's own operation on runs of values: `right[i]` becomes left[i] ∘ right[i].
  ///
  /// MPI chooses the length of the runs.
  public static func customRuns(
    commutative: Bool,
    _ combine:
      @escaping @Sendable (
        _ left: UnsafeBufferPointer<Element>, _ right: UnsafeMutableBufferPointer<Element>
      ) -> Void
  ) throws(MPIError) -> Self {
    let operation = try UserOperation(isCommutative: commutative) { left, right, count in
      combine(
        UnsafeBufferPointer(start: left.assumingMemoryBound(to: Element.self), count: count),
        UnsafeMutableBufferPointer(
          start: right.assumingMemoryBound(to: Element.self), count: count))
    }
    return Self(storage: .user(operation))
  }
}
