/// Which results of a program are stored as bfloat16 where it is computed in bfloat16.
///
/// - *Products* (linear maps, convolutions, matrix products, their gradients) take bfloat16
///   operands and add up in Float32. Their results are rounded to bfloat16 if another product reads
///   them, directly or behind elementwise operations, and nothing that wants Float32 does.
/// - *Elementwise* operations, normalisations, poolings and changes of shape compute in the type
///   that their first operand is stored in, with Float32 inside; statistics, scales and shifts are
///   Float32.
/// - *Losses*, metrics, softmax and results that are read out want Float32: what they read, directly
///   or behind elementwise operations, is never rounded.
/// - Gradients of parameters are Float32.
///
/// PyTorch's autocast casts the operands of the same products; it rounds all their results, the
/// logits too.
struct PrecisionPlan {
  private var rounded: Set<Graph.ValueID> = []

  /// Decides for the live nodes of a program.
  init(_ program: Program, live: [Int], precision: Precision) {
    guard precision == .bfloat16 else { return }
    let graph = program.graph
    var exact = Set((program.scalars + program.outputs).map(\.id))
    for index in live.reversed() {
      let node = graph.nodes[index]
      switch node.operation.precisionRole {
      case .product: rounded.formUnion(node.inputs)
      case .elementwise:
        if node.outputs.contains(where: exact.contains) { exact.formUnion(node.inputs) }
        if node.outputs.contains(where: rounded.contains) { rounded.formUnion(node.inputs) }
      case .exact: exact.formUnion(node.inputs)
      case .neutral: break
      }
    }
    rounded.subtract(exact)
  }

  /// The type that a product stores its result in.
  func storage(_ result: Graph.ValueID) -> StorageType {
    rounded.contains(result) ? .bfloat16 : .float32
  }
}
