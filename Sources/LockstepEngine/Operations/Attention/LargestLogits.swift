/// The largest logit q · k / √D of each head of an attention, over all examples, from its statistics.
///
/// Inputs: the attention's second result [N, heads, T, 2], then, if there are any, lengths [N], Int32: how many
/// queries of each example count. Results: a scalar a head. What a query does not see does not count, nor does a
/// query that sees nothing, nor an example beyond ``RunContext/presentExamples``; −∞ where nothing counts. A
/// logit that is not a number makes the result one that is not. A maximum is the same in any order.
///
/// The attention has found the largest logit of each query already. So this costs two numbers a query, and
/// nothing where nobody asks.
package struct LargestLogits: Operation {
  package let heads: Int
  /// 1 / √D.
  package let scale: Float

  package var name: String { "largest logits" }
  package var precisionRole: PrecisionRole { .exact }
  package var outputCount: Int { heads }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try expect(
      shape.count == 4 && shape[1] == heads && shape[3] == 2,
      "expects statistics [N, \(heads), T, 2], got \(shape)")
    if inputs.count > 1 {
      try expect(
        inputs[1] == TensorType([shape[0]], .int32),
        "expects lengths [\(shape[0])] of Int32, got \(inputs[1].shape)")
    }
    return (0..<heads).map { _ in TensorType([]) }
  }

  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    (0..<heads).map { _ in TensorType([]) }
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}

extension LargestLogits {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (examples, queries) = (inputs[0].shape[0], inputs[0].shape[2])
    return (0..<heads).map { head in
      var logits: [Double] = []
      for example in 0..<examples {
        let count = inputs.count > 1 ? min(Int(inputs[1].values[example]), queries) : queries
        for query in 0..<max(count, 0) {
          let place = 2 * ((example * heads + head) * queries + query)
          let (largest, inverse) = (inputs[0].values[place], inputs[0].values[place + 1])
          if inverse != 0 { logits.append(inverse.isNaN ? .nan : largest * Double(scale)) }
        }
      }
      let isSick = logits.contains(where: \.isNaN)
      return HostTensor([], [isSick ? .nan : logits.max() ?? -.infinity])
    }
  }
}

extension LargestLogits: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let inputs = try site.inputs.map(plan.plain)
    let results = try site.outputs.map { plan.define($0, try plan.scalars()) }
    let shape = plan.type(site.inputs[0]).shape
    let (shards, examples, queries) = (plan.shards, shape[0] / plan.shards, shape[2])
    let operation = self
    plan.emit(inputs + results, calling: "attention") { addresses in
      let statistics = addresses[0].floats
      let lengths = inputs.count > 1 ? addresses[1].integers : nil
      let results = addresses.dropFirst(inputs.count).map(\.floats)
      return { context in
        for shard in 0..<shards {
          let first = shard * examples
          let counting = first..<max(first, min(first + examples, context.presentExamples))
          for (head, result) in results.enumerated() {
            result[shard] = operation.largest(
              head, statistics, lengths, examples: counting, queries: queries)
          }
        }
      }
    }
  }

  /// The largest logit of a head over some examples.
  private func largest(
    _ head: Int, _ statistics: UnsafePointer<Float>, _ lengths: UnsafePointer<Int32>?,
    examples: Range<Int>, queries: Int
  ) -> Float {
    var (most, isSick) = (-Float.infinity, false)
    for example in examples {
      let count = lengths.map { min(Int($0[example]), queries) } ?? queries
      let rows = statistics + 2 * (example * heads + head) * queries
      for query in 0..<max(count, 0) {
        let (largest, inverse) = (rows[2 * query], rows[2 * query + 1])
        if inverse == 0 { continue }
        if inverse.isNaN { isSick = true }
        if largest > most { most = largest }
      }
    }
    return isSick ? .nan : most * scale
  }
}

extension LargestLogits: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
      && site.outputs.allSatisfy { plan.useCount(of: $0) == plan.readOutCount(of: $0) }
  }
}

extension LargestLogits: RowwiseOperation {
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { results.map { _ in .total } }
}

extension Attention: HeadOperation {
  func headParts(
    _ inputs: [TensorType]
  ) -> (width: Int, queries: (input: Int, column: Int), keys: (input: Int, column: Int)) {
    let width = Sizes(self, inputs).width
    return (width / heads, (0, 0), isPacked ? (0, width) : (1, 0))
  }

  func largestLogits(of node: Graph.Node, in graph: Graph) -> [Tensor] {
    let sizes = Sizes(self, node.inputs.map { graph.values[$0].type })
    var lengths: Tensor?
    if isPacked, node.inputs.count > 1 {
      lengths = Tensor(graph: graph, id: node.inputs[1])
    } else if let sequences = graph.sequences, sequences.positions == sizes.queries {
      lengths = sequences.lengths
    }
    let operation = LargestLogits(
      heads: heads, scale: 1 / Float(sizes.width / heads).squareRoot())
    return graph.apply(
      operation,
      [Tensor(graph: graph, id: node.outputs[1])] + (lengths.map { [$0] } ?? []))
  }
}
