// What an update keeps of whole matrices.

extension UpdateRule {
  /// What transforms keep of whole matrices.
  var matrixStates: [MatrixState] {
    transforms.flatMap { ($0 as? any MatrixTransform)?.matrixStates ?? [] }
  }

  /// The bytes that are kept of the matrices of some slots, by who owns them.
  package func matrixStateBytes(of slots: Range<Int>) -> Int {
    matrixStates.reduce(0) { $0 + $1.bytes(of: slots) }
  }

  /// The number of updates after which what matrices take is repeated.
  package var matrixPeriod: Int {
    transforms.reduce(1) { max($0, ($1 as? any MatrixTransform)?.period ?? 1) }
  }
}
